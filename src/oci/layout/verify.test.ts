import { mkdtempSync, readFileSync, rmSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { describe as blobOf, emptyBlob, produceIndex, produceManifest } from '../model/produce.ts';
import type { Produced } from '../model/produce.ts';
import { bytesSource } from '../model/read.ts';
import { openArchive } from './archive.ts';
import { blobPath } from './files.ts';
import { folderSource, folderTarget } from './folder.ts';
import { heldBlobs } from './held.ts';
import { verifyLayout } from './verify.ts';
import { writeArchive } from './write-archive.ts';

const { signal } = new AbortController();
const scratch = mkdtempSync(join(tmpdir(), 'portkit-verify-'));
afterAll(() => rmSync(scratch, { recursive: true }));

const blob = (text: string, mediaType = 'text/plain'): Produced => ({
  bytes: Buffer.from(text),
  descriptor: blobOf(Buffer.from(text), mediaType),
});
const layer = blob('a layer');
const foreign = blob('not to be had', 'application/vnd.oci.image.layer.nondistributable.v1.tar');
const inner = produceManifest({ artifactType: 'a/b', layers: [layer.descriptor, foreign.descriptor] });
const main = produceIndex({ manifests: [inner.descriptor] });
const signature = produceManifest({ artifactType: 'a/signature', layers: [], subject: main.descriptor });

/** A layout folder with an index, its signature, and a blob of nobody. */
async function layout(): Promise<string> {
  const directory = mkdtempSync(join(scratch, 'layout-'));
  const target = folderTarget(directory);
  for (const { bytes, descriptor } of [emptyBlob, layer, inner, main, signature, blob('loose')])
    await target.push(descriptor, bytesSource(bytes), signal);
  await target.tag(main.descriptor, 'v1', signal);
  return directory;
}

async function look(directory: string) {
  return verifyLayout({ source: folderSource(directory), blobs: await heldBlobs(directory) }, signal);
}

test('a layout that is right has no faults; what nothing leads to is told', async () => {
  const { unreferenced, ...rest } = await look(await layout());
  expect(rest).toEqual({ entries: 2, blobs: 6, bytes: expect.any(Number), faults: [] });
  expect(unreferenced).toEqual([{ digest: blob('loose').descriptor.digest, size: 5 }]);
});

const list = (...manifests: Parameters<typeof produceIndex>[0]['manifests']): Uint8Array => produceIndex({ manifests }).bytes;
const named = { ...inner.descriptor, annotations: { 'org.opencontainers.image.ref.name': 'v1' } };

describe('a fault is told', () => {
  test.each<[string, Produced, (at: string, directory: string) => void, readonly [string, RegExp]]>([
    ['a layer with a bit turned', layer, (at) => writeFileSync(at, 'b layer'), ['damaged', /digest/]],
    ['a layer that is cut', layer, (at) => truncateSync(at, 3), ['damaged', /has 3 bytes/]],
    ['a layer that is gone', layer, (at) => rmSync(at), ['missing', /not there/]],
    ['a blob of nobody that is damaged', blob('loose'), (at) => writeFileSync(at, 'other'), ['damaged', /digest/]],
    ['a manifest that is gone', inner, (at) => rmSync(at), ['missing', /not there/]],
    ['an entry that is gone', signature, (at) => rmSync(at), ['missing', /not there/]],
    ['a manifest with other bytes', main, (at) => writeFileSync(at, readFileSync(at).fill(32, 5, 9)), ['damaged', /digest/]],
    [
      'a link in the place of a layer',
      layer,
      (at, directory) => {
        rmSync(at);
        symlinkSync(join(directory, 'oci-layout'), at);
      },
      ['malformed', /neither a file/],
    ],
    [
      'a name that stands for two things',
      inner,
      (_, directory) =>
        writeFileSync(join(directory, 'index.json'), list({ ...named, ...pick(main) }, named, signature.descriptor)),
      ['ambiguous', /"v1"/],
    ],
    [
      'an entry that says another type',
      main,
      (_, directory) =>
        writeFileSync(
          join(directory, 'index.json'),
          list({ ...main.descriptor, mediaType: inner.descriptor.mediaType }, signature.descriptor),
        ),
      ['malformed', /was said to be|is not what it is/],
    ],
  ])('%s', async (_, { descriptor }, change, [problem, detail]) => {
    const directory = await layout();
    change(join(directory, blobPath(descriptor.digest)), directory);
    const { faults } = await look(directory);
    expect(faults).toEqual([{ problem, digest: descriptor.digest, detail: expect.stringMatching(detail) }]);
  });

  test('and where no layout is, that is said', async () => {
    await expect(look(mkdtempSync(join(scratch, 'none-')))).rejects.toMatchObject({ code: 'PK4002' });
    const directory = await layout();
    writeFileSync(join(directory, 'index.json'), '[]');
    await expect(look(directory)).rejects.toMatchObject({ code: 'PK4002' });
  });
});

function pick({ descriptor: { mediaType, digest, size } }: Produced) {
  return { mediaType, digest, size };
}

test('an archive is looked at in the same way', async () => {
  const source = folderSource(await layout());
  const file = join(scratch, 'layout.tar');
  const archive = writeArchive({ source, roots: await source.roots(signal) }, signal);
  const bytes = Buffer.concat(await Array.fromAsync(archive));
  const checked = async (content: Buffer) => {
    writeFileSync(file, content);
    await using opened = await openArchive(file, signal);
    return await verifyLayout({ source: opened, blobs: opened.blobs }, signal);
  };
  expect(await checked(bytes)).toMatchObject({ entries: 2, blobs: 5, unreferenced: [], faults: [] });
  const at = bytes.indexOf('a layer');
  bytes[at] = 0x62;
  expect((await checked(bytes)).faults).toMatchObject([{ problem: 'damaged', digest: layer.descriptor.digest }]);
});
