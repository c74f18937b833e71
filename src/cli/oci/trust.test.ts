import { generateKeyPairSync } from 'node:crypto';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { put } from '../../../test/oci/small-image.ts';
import { startServer } from '../../../test/oci/server.ts';
import { emptyShelves, smallRegistry } from '../../../test/oci/small-registry.ts';
import { parseSigningKey } from '../../attest/keys.ts';
import { bundleReferrer } from '../../attest/referrer.ts';
import { signPredicateType } from '../../attest/statement.ts';
import { signStatement } from '../../attest/verify.ts';
import { folderTarget } from '../../oci/layout/folder.ts';
import { memoryLayout } from '../../oci/layout/memory.ts';
import type { Descriptor } from '../../oci/model/descriptor.ts';
import type { Target } from '../../oci/model/ports.ts';
import { describe as describeBlob, emptyBlob, produceManifest } from '../../oci/model/produce.ts';
import { createRegistryClient } from '../../oci/registry/client.ts';
import type { Command } from '../command.ts';
import { copy } from '../commands/copy.ts';
import { pull } from '../commands/pull.ts';
import { trusted } from './trust.ts';

const { signal } = new AbortController();
const privateKeyEncoding = { type: 'pkcs8', format: 'pem' } as const;
const publicKeyEncoding = { type: 'spki', format: 'pem' } as const;
const [mine, other] = [1, 2].map(() => generateKeyPairSync('ed25519', { privateKeyEncoding, publicKeyEncoding }));
let folder: string;
const at = (name: string): string => join(folder, name);

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'portkit-trust-'));
  vi.stubEnv('HOME', folder);
  writeFileSync(at('mine.pub'), mine?.publicKey ?? '');
  writeFileSync(at('other.pub'), other?.publicKey ?? '');
});
afterEach(() => {
  vi.unstubAllEnvs();
  rmSync(folder, { recursive: true });
});

async function putArtifact(target: Target, text: string): Promise<Descriptor> {
  await put(target, emptyBlob);
  const bytes = Buffer.from(text);
  const layer = describeBlob(bytes, 'text/plain');
  await put(target, { descriptor: layer, bytes });
  return put(target, produceManifest({ artifactType: 'a/b', layers: [layer] }));
}

/** An artifact under a tag; beside it is what my key signed about `about`. */
async function signed(target: Target, tag: string, about?: Descriptor): Promise<Descriptor> {
  const root = await putArtifact(target, tag);
  const subjects = [{ name: 'it', digest: (about ?? root).digest }];
  const statement = { subjects, predicateType: signPredicateType, predicate: {} };
  const bundle = signStatement(statement, parseSigningKey(Buffer.from(mine?.privateKey ?? '')));
  const { documents } = bundleReferrer(bundle, { subject: root, predicateType: signPredicateType });
  for (const part of documents) await put(target, part);
  await target.tag(root, tag, signal);
  return root;
}

const refusals = [
  ['another key', { key: ['other.pub'] }, 'PK4153'],
  ['a statement that nobody signed', { key: ['mine.pub'], 'predicate-type': ['https://slsa.dev/provenance/v1'] }, 'PK4153'],
  ['a statement and no key', { 'predicate-type': [signPredicateType] }, 'PK1001'],
  ['a key that is not there', { key: ['none.pub'] }, 'PK1004'],
] as const;
const allowances = [
  ['no key', {}],
  ['the key', { key: ['mine.pub'] }],
  ['one of two keys', { key: ['other.pub', 'mine.pub'] }],
  ['the key and a statement', { key: ['mine.pub'], 'predicate-type': [signPredicateType] }],
] as const;

interface Said extends Readonly<Record<string, string | readonly string[] | undefined>> {
  readonly key?: readonly string[];
}

/** Runs a command, with key files of the folder. */
async function run(command: Command, words: readonly string[], said: Said) {
  const printed: string[] = [];
  const options = { ...said, quiet: true, ...(said.key && { key: said.key.map(at) }) };
  await command.run({ words, options, signal, print: (line) => printed.push(line), note: () => undefined });
  return printed.join('\n');
}

describe('copy', () => {
  const copied = async (options: Said, about?: Descriptor) => {
    const root = await signed(folderTarget(at('from')), 'v1', about);
    return { root, said: await run(copy, [`oci:${at('from')}:v1`, `oci:${at('to')}`], options) };
  };

  test.each(allowances)('with %s', async (_, options) => {
    const { root, said } = await copied(options);
    expect(said).toBe(`oci:${at('to')}:v1@${root.digest}`);
  });
  test.each(refusals)('with %s makes nothing', async (_, options, code) => {
    await expect(copied(options)).rejects.toMatchObject({ code });
    expect(existsSync(at('to'))).toBe(false);
  });
  test('what is signed about something else counts for nothing', async () => {
    const elsewhere = await putArtifact(memoryLayout(), 'another');
    await expect(copied({ key: ['mine.pub'] }, elsewhere)).rejects.toMatchObject({ code: 'PK4153' });
  });
});

describe('pull', () => {
  const pulled = async (options: Said) => {
    await using server = await startServer(smallRegistry(emptyShelves()));
    const world = { now: () => new Date(0), random: () => 1, sleep: () => Promise.resolve() };
    using client = createRegistryClient({ world });
    await signed(client.repository({ registry: server.host, repository: 'r' }, { access: 'push' }), 'v1');
    await run(pull, [`${server.host}/r:v1`], { ...options, output: at('file') });
  };

  test.each(allowances)('with %s', async (_, options) => {
    await pulled(options);
    expect(readFileSync(at('file'), 'utf8')).toBe('v1');
  });
  test.each(refusals)('with %s makes nothing', async (_, options, code) => {
    await expect(pulled(options)).rejects.toMatchObject({ code });
    expect(existsSync(at('file'))).toBe(false);
  });
});

test('a tag that moves after it was checked is not what is taken', async () => {
  const layout = memoryLayout();
  const root = await signed(layout, 'v1');
  const found = await trusted({ source: layout, name: 'v1' }, { options: { key: [at('mine.pub')] }, signal });
  await layout.tag(await putArtifact(layout, 'evil'), 'v1', signal);
  expect(found.name).toBe(root.digest);
});
