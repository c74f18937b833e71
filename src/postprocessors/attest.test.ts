import { tmpdir } from 'node:os';
import { createPublicKey, generateKeyPairSync } from 'node:crypto';
import { bundleFromJSON } from '@sigstore/bundle';
import { toSignedEntity, Verifier } from '@sigstore/verify';
import { describe, expect, test } from 'vitest';
import { blob, bytesOf, context, createWorld, output, run, signal, tree } from '../../test/ops/world.ts';
import type { Attached } from '../attest/attached.ts';
import { attachedTo } from '../attest/attached.ts';
import { bundleType } from '../attest/bundle.ts';
import { bundleReferrer, statementReferrer } from '../attest/referrer.ts';
import { provenanceType } from '../attest/slsa.ts';
import { encodeStatement, signPredicateType, statementType } from '../attest/statement.ts';
import { byteString } from '../base/byte-string.ts';
import { digestOf } from '../base/digest.ts';
import type { Ref } from '../base/ref.ts';
import type { ProvenanceSpec, StepRecord } from '../graph/attest-ops.ts';
import { treeSource } from '../oci/layout/tree.ts';
import type { OciDigest } from '../oci/model/digest.ts';
import { describe as describeBlob, emptyBlob, produceIndex, produceManifest } from '../oci/model/produce.ts';
import { editTree, putEntry, removeEntry, writeTree } from '../store/trees/editor.ts';
import { subjectsOf, withReferrers } from './attestations.ts';
import { pathOf, readLayout, writeLayout } from './layout-tree.ts';
import { provenanceOp } from './provenance.ts';
import { sbomOp } from './sbom.ts';
import { signOp } from './sign.ts';
import { verifyOp } from './verify.ts';

const failsWith = (code: string): unknown => ({ ok: false, failure: expect.objectContaining({ code }) });
const privateKeyEncoding = { type: 'pkcs8', format: 'pem' } as const;
const publicKeyEncoding = { type: 'spki', format: 'pem' } as const;
const mine = generateKeyPairSync('ed25519', { privateKeyEncoding, publicKeyEncoding });
const other = generateKeyPairSync('ec', { namedCurve: 'P-256', privateKeyEncoding, publicKeyEncoding });

function lend() {
  const world = createWorld();
  return {
    ...world,
    signal,
    version: '1.2.3',
    architecture: 'amd64',
    pin: { get: (name: string) => (name === 'deb:zlib1g:amd64' ? digestOf('zlib') : undefined) },
    toolDigest: (tool: string) => Promise.resolve(digestOf(tool)),
    secrets: (name: string) => (name === 'key' ? Buffer.from(mine.privateKey) : undefined),
    readKey: (path: string) => Promise.resolve(Buffer.from(path === 'other.pub' ? other.publicKey : 'none')),
  };
}

type World = ReturnType<typeof lend>;

/** A layout with two variants under one index. */
async function layoutIn(world: World): Promise<{ readonly layout: Ref; readonly main: OciDigest; readonly layer: OciDigest }> {
  const bytes = Buffer.from('the kernel');
  await blob(world, bytes);
  const layer = describeBlob(bytes, 'application/octet-stream');
  const manifests = ['amd64', 'arm64'].map((architecture) =>
    produceManifest({ artifactType: 'application/vnd.example+json', layers: [layer], annotations: { architecture } }),
  );
  const index = produceIndex({ manifests: manifests.map(({ descriptor }) => descriptor) });
  const layout = await writeLayout(
    {
      blobs: [{ digest: digestOf(bytes), size: bytes.length }],
      documents: [emptyBlob, ...manifests, index],
      manifests: [{ ...index.descriptor, annotations: { 'org.opencontainers.image.ref.name': 'v1' } }],
    },
    world,
  );
  return { layout, main: index.descriptor.digest, layer: layer.digest };
}

const steps: readonly StepRecord[] = [
  {
    name: 'tarball',
    kind: 'fetch',
    inputs: [],
    parameters: { url: 'https://user:hunter2@example.com/a.tar' },
    source: { uri: 'https://user:hunter2@example.com/a.tar', digest: { sha512: 'd'.repeat(128) } },
  },
  { name: 'packages', kind: 'deb', inputs: [], parameters: {}, source: { packages: [{ name: 'zlib1g' }] } },
  {
    name: 'repo',
    kind: 'git',
    inputs: [],
    parameters: {},
    source: { uri: 'git+https://example.com/', digest: { gitCommit: 'abc' } },
  },
  { name: 'src', kind: 'local', inputs: [], parameters: { path: 'src' }, source: {} },
  { name: 'image', kind: 'exec', inputs: ['tarball'], parameters: { argv: ['make'] }, tools: ['make'] },
];

/** What a layout says about its manifests in one form. */
async function saidIn(
  layout: Ref,
  form: Attached['form'],
  world: World,
): Promise<readonly { digest: string; content: Uint8Array }[]> {
  const source = treeSource(layout.digest, world.blobs);
  const subjects = await subjectsOf(layout.digest, world);
  const found = await Promise.all(
    subjects.map(async (subject) =>
      (await attachedTo(source, subject, signal)).map((one) => ({ ...one, digest: subject.digest })),
    ),
  );
  return found.flat().filter((one) => one.form === form);
}

/** The subject and what each step came out as. */
async function inputsFor(world: World, subject: Ref): Promise<readonly Ref[]> {
  const outputs = await Promise.all(steps.slice(0, -1).map(({ name }) => blob(world, name)));
  return [subject, ...outputs, subject];
}

const spec: ProvenanceSpec = { type: 'provenance', steps };
const hexOfText = (text: string): string => digestOf(text).slice(7);

describe('provenance', () => {
  test('of a file is one statement about it, without credentials and always the same', async () => {
    const world = lend();
    const inputs = await inputsFor(world, await blob(world, 'an image'));
    const made = await output(provenanceOp(spec, world), ...inputs);
    const text = bytesOf(world, made).toString();
    expect(text).not.toContain('hunter2');
    expect(JSON.parse(text)).toMatchObject({
      _type: 'https://in-toto.io/Statement/v1',
      subject: [{ name: 'image', digest: { sha256: hexOfText('an image') } }],
      predicateType: provenanceType,
      predicate: {
        buildDefinition: {
          externalParameters: { target: 'image' },
          internalParameters: { steps: steps.map(({ name, kind, inputs: from }) => ({ name, kind, inputs: from })) },
        },
        runDetails: { builder: { id: 'urn:portkit:builder', version: { portkit: '1.2.3' } } },
      },
    });
    expect(JSON.parse(text).predicate.buildDefinition.resolvedDependencies).toEqual([
      { name: 'image: make', uri: 'host:make', digest: { sha256: hexOfText('make') } },
      { name: 'packages', uri: 'deb:zlib1g:amd64', digest: { sha256: hexOfText('zlib') } },
      { name: 'repo', uri: 'git+https://example.com/', digest: { gitCommit: 'abc' } },
      { name: 'src', digest: { sha256: hexOfText('src') } },
      { name: 'tarball', uri: 'https://example.com/a.tar', digest: { sha256: hexOfText('tarball'), sha512: 'd'.repeat(128) } },
    ]);
    expect(await output(provenanceOp(spec, lend()), ...inputs)).toEqual(made);
  });

  test('tells of packages and images as the lock pins them', async () => {
    const pins = new Map([
      ['deb:linux-image>linux-image-6.1:amd64', digestOf('linux')],
      ['image:example.org/base:1', digestOf('base')],
    ]);
    const pin = {
      get: (name: string) => pins.get(name),
      starting: (begin: string) => [...pins.keys()].filter((name) => name.startsWith(begin)),
    };
    const world = { ...lend(), pin };
    const none = { inputs: [], parameters: {} };
    const told: readonly StepRecord[] = [
      { name: 'kernel', kind: 'deb', ...none, source: { packages: [{ name: 'linux-image', depends: 'linux-image-*' }] } },
      { name: 'base', kind: 'image', ...none, source: { uri: 'oci:example.org/base:1' } },
      { name: 'beside', kind: 'image', ...none, parameters: { layout: 'oci' }, source: { uri: 'oci:v1' } },
    ];
    const inputs = await Promise.all(['subject', 'kernel', 'files of base', 'beside'].map((name) => blob(world, name)));
    const op = provenanceOp({ type: 'provenance', steps: told }, world);
    const { predicate } = JSON.parse(bytesOf(world, await output(op, ...inputs)).toString());
    expect(predicate.buildDefinition.resolvedDependencies).toEqual([
      { name: 'base', uri: 'oci:example.org/base:1', digest: { sha256: hexOfText('base') } },
      { name: 'beside', uri: 'oci:v1', digest: { sha256: hexOfText('beside') } },
      { name: 'kernel', uri: 'deb:linux-image>linux-image-6.1:amd64', digest: { sha256: hexOfText('linux') } },
    ]);
    const open = provenanceOp({ type: 'provenance', steps: told }, { ...lend(), pin: { get: () => undefined } });
    expect(JSON.stringify(await open.facts(context))).not.toBe(JSON.stringify(await op.facts(context)));
  });

  test('of a layout is about each of its manifests, and can be put beside them', async () => {
    const world = lend();
    const { layout } = await layoutIn(world);
    const inputs = await inputsFor(world, layout);
    const subjects = await subjectsOf(layout.digest, world);
    const statement = JSON.parse(bytesOf(world, await output(provenanceOp(spec, world), ...inputs)).toString());
    expect(statement.subject.map(({ digest }: { digest: object }) => digest)).toEqual(
      subjects.map(({ digest }) => ({ sha256: digest.slice(7) })),
    );
    const attached = await output(provenanceOp({ ...spec, attach: true, mode: 'min' }, world), ...inputs);
    const found = await saidIn(attached, 'statement', world);
    expect(found.map(({ digest }) => digest).toSorted()).toEqual(subjects.map(({ digest }) => digest).toSorted());
    const [listed] = (await readLayout(attached.digest, world)).filter(({ artifactType }) => artifactType === statementType);
    expect(listed?.annotations).toEqual({ 'in-toto.io/predicate-type': provenanceType });
  });

  test('of any other tree is about its root', async () => {
    const world = lend();
    const root = await tree(world, { file: 'x' });
    const made = await output(provenanceOp(spec, world), ...(await inputsFor(world, root)));
    expect(JSON.parse(bytesOf(world, made).toString()).subject).toEqual([
      { name: 'image', digest: { sha256: root.digest.slice(7) } },
    ]);
    const attached = provenanceOp({ ...spec, attach: true }, world);
    expect(await run(attached, ...(await inputsFor(world, root)))).toEqual(failsWith('PK4103'));
  });

  test('tells everything that decides its bytes', async () => {
    const world = lend();
    const factsOf = async (more: Partial<ProvenanceSpec>, lent = world): Promise<unknown> =>
      (await provenanceOp({ ...spec, ...more }, lent).facts(context)).facts;
    const known = await factsOf({});
    for (const more of [
      { mode: 'min' },
      { attach: true },
      { builder: 'https://ci.example' },
      { time: 5 },
      { steps: [] },
    ] as const)
      expect(await factsOf(more)).not.toEqual(known);
    expect(await factsOf({}, { ...world, version: '2' })).not.toEqual(known);
    expect(await factsOf({}, { ...world, pin: { get: () => undefined } })).not.toEqual(known);
    expect(await factsOf({}, { ...world, toolDigest: () => Promise.resolve(digestOf('new')) })).not.toEqual(known);
    expect(await factsOf({ mode: 'max', attach: false })).toEqual(known);
    expect(JSON.stringify(known)).toContain('example.com/a.tar');
    expect(JSON.stringify(known)).not.toContain('hunter2');
  });

  test('takes a URI for a builder', () => {
    const op = provenanceOp({ ...spec, builder: 'my laptop' }, lend());
    return expect(Promise.resolve(op.facts(context))).rejects.toMatchObject({ code: 'PK4154' });
  });
});

describe('sign and verify', () => {
  /** A layout with provenance, signed. */
  async function signed(world: World): Promise<{ readonly layout: Ref; readonly main: OciDigest; readonly layer: OciDigest }> {
    const { layout, ...rest } = await layoutIn(world);
    const attached = await output(provenanceOp({ ...spec, attach: true }, world), ...(await inputsFor(world, layout)));
    return { layout: await output(signOp({ type: 'sign', key: 'key' }, world), attached), ...rest };
  }

  test('every manifest and every statement is signed, as Sigstore reads it', async () => {
    const world = lend();
    const { layout } = await signed(world);
    const bundles = await saidIn(layout, 'bundle', world);
    expect(bundles).toHaveLength(6);
    const trust = {
      certificateAuthorities: [],
      timestampAuthorities: [],
      tlogs: [],
      ctlogs: [],
      publicKey: () => ({ publicKey: createPublicKey(mine.publicKey), validFor: () => true }),
    };
    const verifier = new Verifier(trust, { tlogThreshold: 0, ctlogThreshold: 0, timestampThreshold: 0 });
    for (const { content } of bundles)
      verifier.verify(toSignedEntity(bundleFromJSON(JSON.parse(Buffer.from(content).toString()))));
    const listed = (await readLayout(layout.digest, world)).filter(({ artifactType }) => artifactType === bundleType);
    const kinds = listed.map(({ annotations }) => annotations?.['dev.sigstore.bundle.predicateType']);
    for (const kind of [signPredicateType, provenanceType]) expect(kinds.filter((one) => one === kind)).toHaveLength(3);
  });

  test('a layout is let through as it is, for the right key and what is signed', async () => {
    const world = lend();
    const { layout } = await signed(world);
    const keys = ['other.pub', mine.publicKey];
    expect(await output(verifyOp({ type: 'verify', keys }, world), layout)).toEqual(layout);
    const predicateTypes = [provenanceType, signPredicateType];
    expect(await output(verifyOp({ type: 'verify', keys, predicateTypes }, world), layout)).toEqual(layout);
  });

  test('it is not, with another key, another kind of statement, or no signature', async () => {
    const world = lend();
    const { layout } = await signed(world);
    const keys = [mine.publicKey];
    const sbom = ['https://spdx.dev/Document'];
    expect(await run(verifyOp({ type: 'verify', keys: ['other.pub'] }, world), layout)).toEqual(failsWith('PK4153'));
    expect(await run(verifyOp({ type: 'verify', keys, predicateTypes: sbom }, world), layout)).toEqual(failsWith('PK4153'));
    const { layout: unsigned } = await layoutIn(world);
    expect(await run(verifyOp({ type: 'verify', keys }, world), unsigned)).toEqual(failsWith('PK4153'));
  });

  test('it is not, when a file of it was exchanged or is gone, though the signature holds', async () => {
    const world = lend();
    const { layout, main, layer } = await signed(world);
    const verify = verifyOp({ type: 'verify', keys: [mine.publicKey] }, world);
    const wrong = await blob(world, 'something');
    const entry = {
      type: 'file' as const,
      content: wrong.digest,
      size: 9,
      mode: 0o644,
      uid: 0,
      gid: 0,
      mtime: { seconds: 0, nanos: 0 },
      xattrs: [],
    };
    for (const digest of [main, layer]) {
      const exchanged = await editTree(layout.digest, world);
      await putEntry(exchanged, byteString(pathOf(digest)), { entry, parents: entry });
      expect(await run(verify, { kind: 'tree', digest: await writeTree(exchanged) })).toEqual(failsWith('PK4003'));
    }
    const without = await editTree(layout.digest, world);
    await removeEntry(without, byteString(pathOf(layer)));
    expect(await run(verify, { kind: 'tree', digest: await writeTree(without) })).toEqual(failsWith('PK4003'));
  });

  test('a signature of another artifact is none', async () => {
    const world = lend();
    const { layout, main } = await signed(world);
    const bytes = Buffer.from('other');
    await blob(world, bytes);
    const manifest = produceManifest({ artifactType: 'a/b', layers: [describeBlob(bytes, 'a/b')] });
    const named = { ...manifest.descriptor, annotations: { 'org.opencontainers.image.ref.name': 'v1' } };
    const victim = await writeLayout(
      { blobs: [{ digest: digestOf(bytes), size: bytes.length }], documents: [emptyBlob, manifest], manifests: [named] },
      world,
    );
    const stolen = (await saidIn(layout, 'bundle', world)).filter(({ digest }) => digest === main);
    const moved = stolen.map(({ content }) =>
      bundleReferrer(content, { subject: manifest.descriptor, predicateType: signPredicateType }),
    );
    const attacked = await withReferrers(victim.digest, moved, world);
    expect(moved.length).toBeGreaterThan(0);
    expect(await run(verifyOp({ type: 'verify', keys: [mine.publicKey] }, world), attacked)).toEqual(failsWith('PK4153'));
  });

  test('a bill of materials beside a manifest is signed as a statement', async () => {
    const world = lend();
    const { layout } = await layoutIn(world);
    const files = await tree(world, { 'etc/hostname': 'box' });
    const bill = sbomOp({ type: 'sbom', format: 'spdx', names: ['files'], attach: 1 }, { ...world, scratch: tmpdir });
    const made = await output(signOp({ type: 'sign', key: 'key' }, world), await output(bill, files, layout));
    const predicateTypes = ['https://spdx.dev/Document'];
    expect(await output(verifyOp({ type: 'verify', keys: [mine.publicKey], predicateTypes }, world), made)).toEqual(made);
  });

  test('nonsense beside a manifest is passed over when it is verified, and not signed', async () => {
    const world = lend();
    const { layout } = await signed(world);
    const [subject] = await subjectsOf(layout.digest, world);
    if (subject === undefined) throw new Error('There is no manifest');
    const about = { subject, predicateType: provenanceType };
    const bundle = await withReferrers(layout.digest, [bundleReferrer(Buffer.from('{}'), about)], world);
    expect(await output(verifyOp({ type: 'verify', keys: [mine.publicKey] }, world), bundle)).toEqual(bundle);
    const statement = await withReferrers(layout.digest, [statementReferrer(Buffer.from('{}'), about)], world);
    expect(await run(signOp({ type: 'sign', key: 'key' }, world), statement)).toEqual(failsWith('PK4151'));
  });

  test('a statement about something else is not signed', async () => {
    const world = lend();
    const { layout } = await layoutIn(world);
    const [subject] = await subjectsOf(layout.digest, world);
    if (subject === undefined) throw new Error('There is no manifest');
    const foreign = encodeStatement({
      subjects: [{ digest: subject.digest }, { digest: `sha256:${'e'.repeat(64)}` }],
      predicateType: provenanceType,
      predicate: {},
    });
    const attacked = await withReferrers(
      layout.digest,
      [statementReferrer(foreign, { subject, predicateType: provenanceType })],
      world,
    );
    expect(await run(signOp({ type: 'sign', key: 'key' }, world), attacked)).toEqual(failsWith('PK4154'));
  });

  test('the step knows its key by the public part alone', async () => {
    const world = lend();
    const { facts } = await signOp({ type: 'sign', key: 'key' }, world).facts(context);
    expect(facts['key']).toMatch(/^[A-Za-z0-9+/]{43}=$/);
    const missing = signOp({ type: 'sign', key: 'absent' }, world);
    expect((await missing.facts(context)).facts).toEqual({ key: 'none that can be used' });
    expect(await run(missing, (await layoutIn(world)).layout)).toEqual(failsWith('PK3108'));
    const wrong = signOp({ type: 'sign', key: 'key' }, { ...world, secrets: () => Buffer.from('hunter2') });
    const outcome = await run(wrong, (await layoutIn(world)).layout);
    expect(outcome).toEqual(failsWith('PK4150'));
    expect(JSON.stringify(outcome)).not.toContain('hunter2');
  });

  test('the keys of a step that verifies are a part of its key, by what they are', async () => {
    const world = lend();
    const factsOf = async (keys: readonly string[]): Promise<unknown> =>
      (await verifyOp({ type: 'verify', keys }, world).facts(context)).facts;
    expect(await factsOf(['other.pub'])).toEqual(await factsOf([other.publicKey]));
    expect(await factsOf(['other.pub'])).not.toEqual(await factsOf([mine.publicKey]));
    await expect(factsOf([])).rejects.toMatchObject({ code: 'PK4154' });
    await expect(factsOf([mine.privateKey])).rejects.toMatchObject({ code: 'PK4150' });
  });
});
