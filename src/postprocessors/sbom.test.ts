import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, describe, expect, test } from 'vitest';
import { makeBzImage, makeVmlinux } from '../../test/kernels/samples.ts';
import {
  blob,
  bytesOf,
  context,
  createWorld as createFileWorld,
  fileAt,
  output,
  run,
  show,
  signal,
  tree,
} from '../../test/ops/world.ts';
import { digestOf } from '../base/digest.ts';
import type { Digest } from '../base/digest.ts';
import { PortkitError } from '../base/errors.ts';
import type { Ref } from '../base/ref.ts';
import type { SbomSpec } from '../graph/postprocess-ops.ts';
import { mainManifest, pathOf, readLayout } from './layout-tree.ts';
import { ociOp } from './oci.ts';
import { sbomOp } from './sbom.ts';
import { readApk, readDpkg } from './sbom/packages.ts';

const scratch = mkdtempSync(join(tmpdir(), 'portkit-sbom-'));
afterAll(() => rmSync(scratch, { recursive: true }));

const createWorld = () => ({ ...createFileWorld(), scratch: () => scratch, architecture: 'amd64' });

type World = ReturnType<typeof createWorld>;

const status = `Package: bash
Status: install ok installed
Architecture: amd64
Version: 5.2.15-2+b7
Description: GNU shell
 Version: 666 of something else

Package: gone
Status: deinstall ok config-files
Architecture: amd64
Version: 1

Package: libstdc++6
Status: install ok installed
Architecture: amd64
Version: 1:12.2.0-14
`;
const installed = `P:musl
V:1.2.5-r0
A:x86_64
L:MIT
F:lib

P:busybox
V:1.36.1-r29
A:x86_64
L:GPL-2.0-only

`;

/** What a bill of materials of these inputs says. */
async function told(world: World, spec: Omit<SbomSpec, 'type'>, ...inputs: readonly Ref[]): Promise<any> {
  const ref = await output(sbomOp({ type: 'sbom', ...spec }, world), ...inputs);
  return JSON.parse(bytesOf(world, ref).toString());
}

async function debian(world: World): Promise<Ref> {
  return tree(world, {
    'var/lib/dpkg/status': status,
    'var/lib/dpkg/status.d/tzdata': 'Package: tzdata\nVersion: 2024a-0\nArchitecture: all\n',
    'var/lib/dpkg/status.d/tzdata.md5sums': '0 usr/share/doc',
    'usr/lib/os-release': 'NAME="Debian"\nID=debian\nVERSION_ID="12"\n',
    'etc/os-release': { symlink: '../usr/lib/os-release' },
  });
}

const kernel = makeBzImage(makeVmlinux({ pvh: 1, config: 'CONFIG_B=y\nCONFIG_A=m\n' }), { packing: 'zstd' });

describe('CycloneDX', () => {
  test('tells of packages, systems, kernels and sources, always in the same bytes', async () => {
    const world = createWorld();
    const sources = [{ name: 'linux.tar.xz', url: 'https://example.org/linux.tar.xz', digest: `sha256:${'1'.repeat(64)}` }];
    const spec = { format: 'cyclonedx', names: ['rootfs', 'vmlinuz'], name: 'demo', sources } as const;
    const inputs = [await debian(world), await blob(world, kernel)];
    const bom = await told(world, spec, ...inputs);
    expect(bom).toMatchObject({
      bomFormat: 'CycloneDX',
      specVersion: '1.6',
      version: 1,
      metadata: { component: { type: 'container', name: 'demo' } },
    });
    expect(Object.keys(bom.metadata)).toEqual(['component']);
    expect(bom).not.toHaveProperty('serialNumber');
    expect(bom.components.map((one: any) => [one['bom-ref'], one.name, one.version, one.purl])).toEqual([
      ['input-1', 'rootfs', undefined, undefined],
      ['input-1/system', 'debian', '12', undefined],
      ['input-1/package-1', 'bash', '5.2.15-2+b7', 'pkg:deb/debian/bash@5.2.15-2%2Bb7?arch=amd64&distro=debian-12'],
      ['input-1/package-2', 'libstdc++6', '1:12.2.0-14', 'pkg:deb/debian/libstdc%2B%2B6@1:12.2.0-14?arch=amd64&distro=debian-12'],
      ['input-1/package-3', 'tzdata', '2024a-0', 'pkg:deb/debian/tzdata@2024a-0?arch=all&distro=debian-12'],
      ['input-2', 'vmlinuz', undefined, undefined],
      ['input-2/kernel-1', 'linux', '6.1.155', undefined],
      ['source-1', 'linux.tar.xz', undefined, undefined],
    ]);
    expect(bom.components.at(-2)).toMatchObject({
      type: 'operating-system',
      hashes: [{ alg: 'SHA-256', content: inputs[1]!.digest.slice(7) }],
      properties: [
        { name: 'portkit:architecture', value: 'x86_64' },
        { name: 'portkit:kernel-config', value: expect.stringMatching(/^sha256:[0-9a-f]{64}$/) },
      ],
    });
    expect(bom.components.at(-1)).toMatchObject({ scope: 'excluded', hashes: [{ content: '1'.repeat(64) }] });
    expect(bom.dependencies).toContainEqual({ ref: 'input-2', dependsOn: ['input-2/kernel-1'] });
    const [one, other] = [createWorld(), createWorld()];
    const made = [];
    for (const each of [one, other])
      made.push(await output(sbomOp({ type: 'sbom', ...spec }, each), await debian(each), await blob(each, kernel)));
    expect(made[0]).toEqual(made[1]);
  });
});

test('a kernel that cannot be read for want of a program fails the step, as less would be told elsewhere', async () => {
  const world = createWorld();
  const unxz = (): AsyncGenerator<Uint8Array> => {
    throw new PortkitError('PK6901', 'There is no xz');
  };
  const packed = makeBzImage(makeVmlinux({ pvh: 1 }), { packing: 'xz' });
  const op = sbomOp({ type: 'sbom', format: 'spdx', names: ['a'] }, { ...world, unxz });
  expect(await run(op, await blob(world, packed))).toEqual({ ok: false, failure: expect.objectContaining({ code: 'PK6901' }) });
});

describe('SPDX', () => {
  test('tells the same', async () => {
    const world = createWorld();
    const sources = [
      { name: 'repo', url: 'https://example.org/repo.git', digest: 'a'.repeat(40) },
      { name: 'zlib1g', url: 'pkg:deb/debian/zlib1g' },
    ];
    const spec = { format: 'spdx', names: ['alpine'], sources } as const;
    const files = { 'lib/apk/db/installed': installed, 'boot/vmlinuz-6': kernel, 'boot/vmlinuz-no': 'no kernel' };
    const document = await told(world, spec, await tree(world, files));
    expect(document).toMatchObject({
      spdxVersion: 'SPDX-2.3',
      dataLicense: 'CC0-1.0',
      name: 'alpine',
      documentNamespace: expect.stringMatching(/^https:\/\/spdx\.org\/spdxdocs\/portkit-[0-9a-f]{64}$/),
      creationInfo: { created: '1970-01-01T00:00:00Z' },
    });
    expect(document.packages.map((one: any) => [one.SPDXID, one.name, one.versionInfo])).toEqual([
      ['SPDXRef-root', 'alpine', undefined],
      ['SPDXRef-input-1', 'alpine', undefined],
      ['SPDXRef-input-1-package-1', 'musl', '1.2.5-r0'],
      ['SPDXRef-input-1-package-2', 'busybox', '1.36.1-r29'],
      ['SPDXRef-input-1-kernel-1', 'linux', '6.1.155'],
      ['SPDXRef-source-1', 'repo', undefined],
      ['SPDXRef-source-2', 'zlib1g', undefined],
    ]);
    expect(document.packages[2].externalRefs).toEqual([
      {
        referenceCategory: 'PACKAGE-MANAGER',
        referenceType: 'purl',
        referenceLocator: 'pkg:apk/alpine/musl@1.2.5-r0?arch=x86_64',
      },
    ]);
    expect(document.packages[4].comment).toMatch(/^path boot\/vmlinuz-6, architecture x86_64, configuration sha256:/);
    expect(document.packages[5]).toMatchObject({
      downloadLocation: 'https://example.org/repo.git',
      checksums: [{ algorithm: 'SHA1', checksumValue: 'a'.repeat(40) }],
    });
    expect(document.relationships.map((one: any) => one.relationshipType)).toEqual([
      'DESCRIBES',
      'CONTAINS',
      'CONTAINS',
      'CONTAINS',
      'CONTAINS',
      'GENERATED_FROM',
      'GENERATED_FROM',
    ]);
  });
});

describe('attached', () => {
  async function layoutOf(world: World): Promise<Ref> {
    const variants = [{ layers: [{ from: 0, name: 'vmlinux' }] }];
    return output(
      ociOp({ type: 'oci', artifactType: 'application/vnd.example.v1+json', variants }, world),
      await blob(world, 'x'),
    );
  }

  test('it refers to the manifest of the layout, which stays what it was', async () => {
    const world = createWorld();
    const access = { blobs: world.blobs, signal };
    const layout = await layoutOf(world);
    const main = await mainManifest(layout.digest, access);
    const once = sbomOp({ type: 'sbom', format: 'cyclonedx', names: ['rootfs'], attach: 1 }, world);
    const twice = sbomOp({ type: 'sbom', format: 'spdx', names: ['rootfs'], attach: 1 }, world);
    const attached = await output(twice, await debian(world), await output(once, await debian(world), layout));
    expect(await mainManifest(attached.digest, access)).toEqual(main);
    const listed = await readLayout(attached.digest, access);
    expect(new Set(listed.map(({ artifactType }) => artifactType))).toEqual(
      new Set(['application/spdx+json', 'application/vnd.cyclonedx+json', 'application/vnd.example.v1+json']),
    );
    const referrer = listed.find(({ artifactType }) => artifactType === 'application/vnd.cyclonedx+json');
    const manifest = JSON.parse((await fileAt(world, attached, pathOf(referrer!.digest))).toString());
    expect(manifest).toMatchObject({
      subject: { mediaType: main.mediaType, digest: main.digest, size: main.size },
      config: { mediaType: 'application/vnd.oci.empty.v1+json' },
      layers: [
        { mediaType: 'application/vnd.cyclonedx+json', annotations: { 'org.opencontainers.image.title': 'sbom.cdx.json' } },
      ],
    });
    const bom = JSON.parse((await fileAt(world, attached, pathOf(manifest.layers[0].digest))).toString());
    expect(bom.metadata.component.hashes).toEqual([{ alg: 'SHA-256', content: main.digest.slice(7) }]);
    expect((await show(world, attached)).filter((line) => line.includes('blobs/sha256/'))).toHaveLength(7);
  });

  test('to what is no layout, it fails', async () => {
    const world = createWorld();
    const op = sbomOp({ type: 'sbom', format: 'spdx', names: ['rootfs'], attach: 1 }, world);
    const empty = '{"schemaVersion":2,"manifests":[]}';
    const mark = '{"imageLayoutVersion":"1.0.0"}';
    for (const files of [{}, { 'index.json': empty }, { 'index.json': empty, 'oci-layout': mark }]) {
      const outcome = await run(op, await debian(world), await tree(world, files));
      expect(outcome).toEqual({ ok: false, failure: expect.objectContaining({ code: 'PK4103' }) });
    }
    for (const files of [
      { 'index.json': '[]', 'oci-layout': mark },
      { 'index.json': empty, 'oci-layout': '{"imageLayoutVersion":"2.0.0"}' },
      { 'index.json': { symlink: 'other' }, other: empty, 'oci-layout': mark },
    ]) {
      const outcome = await run(op, await debian(world), await tree(world, files));
      expect(outcome).toEqual({ ok: false, failure: expect.objectContaining({ code: 'PK4002' }) });
    }
  });
});

describe('a database that nobody can trust', () => {
  test.each([
    ['a name', 'Package: ../x\nVersion: 1\nArchitecture: all\n'],
    ['a version', 'Package: x\nVersion: 1 <b>\nArchitecture: all\n'],
    ['no version', 'Package: x\nArchitecture: all\n'],
    ['no architecture', 'Package: x\nVersion: 1\n'],
    ['too many packages', 'Package: x\nVersion: 1\nArchitecture: all\n\n'.repeat(100_001)],
  ])('with %s that cannot be is refused', async (_, text) => {
    const world = createWorld();
    const op = sbomOp({ type: 'sbom', format: 'spdx', names: ['a'] }, world);
    const outcome = await run(op, await tree(world, { 'var/lib/dpkg/status.d/x': text }));
    expect(outcome).toEqual({ ok: false, failure: expect.objectContaining({ code: 'PK4104' }) });
  });

  test('gives packages of a known form, or an error of ours', () => {
    const line = fc.oneof(
      fc.constantFrom(
        'Package: a',
        'Version: 1',
        'Architecture: all',
        'Status: install ok installed',
        '',
        'P:a',
        'V:1',
        'A:x',
        'L:\0',
      ),
      fc.string({ unit: 'binary', maxLength: 12 }),
    );
    let found = 0;
    let refused = 0;
    fc.assert(
      fc.property(fc.array(line, { maxLength: 12 }), (lines) => {
        for (const read of [readDpkg, readApk]) {
          try {
            for (const one of read({ shown: 'x', text: lines.join('\n') })) {
              found += 1;
              expect(`${one.name} ${one.version} ${one.architecture}`).toMatch(/^[\w+.-]+ [\w.+~:-]+ [\w-]+$/);
              expect(one.license ?? '').not.toMatch(/\p{Cc}/u);
            }
          } catch (error) {
            if (!(error instanceof PortkitError)) throw error;
            expect(error.code).toBe('PK4104');
            refused += 1;
          }
        }
      }),
      { numRuns: 2000 },
    );
    expect([found > 20, refused > 20]).toEqual([true, true]);
  });

  test('takes time in proportion to its size', () => {
    for (const text of ['Package: a', ' ', 'a:', '\r', '-', 'Package: a\nVersion: 1\nArchitecture: all\nStatus: '].map((part) =>
      part.repeat(50_000),
    )) {
      const start = performance.now();
      for (const read of [readDpkg, readApk]) {
        try {
          read({ shown: 'x', text });
        } catch (error) {
          expect(error).toBeInstanceOf(PortkitError);
        }
      }
      expect(performance.now() - start).toBeLessThan(1000);
    }
  });
});

test('everything that decides the document is told', () => {
  const world = createWorld();
  const specs: readonly Omit<SbomSpec, 'type'>[] = [
    { format: 'spdx', names: ['a'] },
    { format: 'cyclonedx', names: ['a'] },
    { format: 'spdx', names: ['b'] },
    { format: 'spdx', names: ['a'], name: 'c' },
    { format: 'spdx', names: ['a'], attach: 1 },
    { format: 'spdx', names: ['a'], sources: [{ name: 'a', url: 'b' }] },
    { format: 'spdx', names: ['a'], origins: [{ op: { type: 'git', url: 'b', commit: 'c' } }] },
  ];
  const facts = specs.map((spec) => JSON.stringify(sbomOp({ type: 'sbom', ...spec }, world).facts(context)));
  expect(new Set(facts).size).toBe(specs.length);
});

test('what the definition leaves open is told as the lock pins it, and files of the client as they were taken', async () => {
  const pins: Readonly<Record<string, Digest>> = {
    'https://example.org/a?token=secret': digestOf('a'),
    'image:example.org/base:1': digestOf('base'),
    'deb:linux-image>linux-image-6.1:amd64': digestOf('linux'),
  };
  const pin = {
    get: (name: string) => pins[name],
    starting: (begin: string) => Object.keys(pins).filter((one) => one.startsWith(begin)),
  };
  const world = { ...createWorld(), pin };
  const origins: SbomSpec['origins'] = [
    { op: { type: 'fetch', url: 'https://me:secret@example.org/a?token=secret' } },
    { op: { type: 'fetch', url: 'https://example.org/open' } },
    { op: { type: 'image', reference: 'example.org/base:1' } },
    { op: { type: 'git', url: 'https://example.org/repo', commit: 'c'.repeat(40) } },
    { op: { type: 'deb', packages: [{ name: 'linux-image', depends: 'linux-image-*' }] } },
    { op: { type: 'local', path: '../agent' }, input: 1 },
    { op: { type: 'local', path: 'init' }, input: 2 },
  ];
  const inputs = [await tree(world, {}), await tree(world, { 'main.c': 'x' }), await blob(world, 'init')];
  const bom = await told(world, { format: 'cyclonedx', names: ['root'], origins }, ...inputs);
  const sources = bom.components
    .slice(1)
    .map(({ name, hashes, purl, properties }: any) => [name, hashes?.[0].content ?? properties?.[0].value, purl]);
  expect(sources).toEqual([
    ['base:1', digestOf('base').slice(7), undefined],
    ['a', digestOf('a').slice(7), undefined],
    ['open', undefined, undefined],
    ['repo', 'c'.repeat(40), undefined],
    ['../agent', inputs[1]!.digest, undefined],
    ['init', inputs[2]!.digest.slice(7), undefined],
    ['linux-image-6.1', digestOf('linux').slice(7), 'pkg:deb/debian/linux-image-6.1'],
  ]);
  expect(JSON.stringify(bom)).not.toContain('secret');
  const op = sbomOp({ type: 'sbom', format: 'spdx', names: ['root'], origins }, world);
  const open = sbomOp({ type: 'sbom', format: 'spdx', names: ['root'], origins }, createWorld());
  expect(JSON.stringify(await op.facts(context))).not.toBe(JSON.stringify(await open.facts(context)));
  expect(JSON.stringify(await op.facts(context))).not.toContain('secret');
  const spdx = JSON.parse(bytesOf(world, await output(op, ...inputs)).toString());
  expect(spdx.packages.find(({ name }: any) => name === '../agent').comment).toBe(`tree ${inputs[1]!.digest}`);
});
