import { verify } from 'node:crypto';
import { mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test, vi } from 'vitest';
import { fileStoreExporter } from '../../exporters/file-store/index.ts';
import { archiveExporter } from '../../exporters/oci/archive.ts';
import { layoutExporter } from '../../exporters/oci/layout.ts';
import { exportAll } from '../../src/artifacts/export.ts';
import type { Exporter } from '../../src/artifacts/exporter.ts';
import { digestOf } from '../../src/base/digest.ts';
import type { Ref } from '../../src/base/ref.ts';
import { contentOf } from '../../src/cli/oci/content.ts';
import { takeLock } from '../../src/execution/lock.ts';
import { compressionLibrary } from '../../src/formats/compression/compress.ts';
import { memoryLayout } from '../../src/oci/layout/memory.ts';
import type { Family } from '../../src/oci/model/families.ts';
import { pushTyped } from '../../src/oci/typed/pack.ts';
import { blob, signal } from '../ops/world.ts';
import { goldens } from './golden-digests.ts';
import * as forms from './golden-forms.ts';
import type { World } from './golden-forms.ts';

const scratch = mkdtempSync(join(tmpdir(), 'portkit-goldens-'));
afterAll(() => rmSync(scratch, { recursive: true }));

/** Compressed bytes are those of a library: these goldens are only held against the one that they were made with. */
const libraries = { gzip: 'zlib 1.3.2.1-motley-8002e91', zstd: 'zstd 1.5.7' };

interface Form {
  readonly name: string;
  readonly library?: keyof typeof libraries;
  readonly make: (world: World) => Promise<string>;
}

/** A form whose result is a layout. */
function layout(name: string, make: (world: World) => Promise<Ref>, library?: keyof typeof libraries): Form {
  return {
    name,
    ...(library && { library }),
    make: async (world) => forms.indexDigest(world, await make(world)),
  };
}

/** A form whose result is a file. */
function file(name: string, make: (world: World) => Promise<Ref>, library?: keyof typeof libraries): Form {
  return { name, ...(library && { library }), make: async (world) => (await make(world)).digest };
}

/** What `portkit push` makes of a configuration and a folder. */
function family(name: Family): Form {
  return {
    name: `push of the family ${name}`,
    library: 'gzip',
    async make() {
      const folder = mkdtempSync(join(scratch, 'content-'));
      mkdirSync(join(folder, 'docs'));
      writeFileSync(join(folder, 'docs/README.md'), 'read this\n');
      writeFileSync(join(folder, 'run.sh'), '#!/bin/sh\n', { mode: 0o777 });
      using content = await contentOf(folder, signal);
      const config = { spec: { size: 0.5, list: [null, true] }, metadata: { name: 'démo' } };
      return (await pushTyped({ family: name, config, content }, memoryLayout(), signal)).descriptor.digest;
    },
  };
}

/** Every file that an exporter leaves, as one digest. */
function exported(name: string, exporter: (dest: string) => Exporter): Form {
  return {
    name,
    async make(world) {
      const folder = mkdtempSync(join(scratch, 'export-'));
      const two = await forms.billed(world, 'spdx', await forms.twoVariants(world));
      const targets = [
        { name: 'index', ref: two },
        { name: 'artifact', ref: await forms.packed(world, { tag: 'amd64' }) },
      ];
      await exportAll([exporter(join(folder, 'out'))], targets, { blobs: world.blobs, signal });
      const paths = readdirSync(folder, { recursive: true, withFileTypes: true })
        .filter((entry) => entry.isFile() && !entry.name.startsWith('.'))
        .map((entry) => join(entry.parentPath, entry.name))
        .toSorted();
      const lines = paths.map((path) => `${digestOf(readFileSync(path))} ${path.slice(folder.length)}\n`);
      return paths.length === 1 ? digestOf(readFileSync(paths[0]!)) : digestOf(lines.join(''));
    },
  };
}

const table: readonly Form[] = [
  layout('oci, an artifact', (world) => forms.packed(world)),
  layout('oci, an artifact with a layer in gzip', (world) => forms.packed(world, {}, 'gzip'), 'gzip'),
  layout('oci, an artifact with a layer in zstd', (world) => forms.packed(world, {}, 'zstd'), 'zstd'),
  layout('oci, a tree that says what it is', forms.selfDescribed),
  layout('oci, a manifest for each variant', forms.twoVariants),
  layout('oci, a variant with a tag of its own', (world) => forms.packed(world, { tag: 'v1-arm64' })),
  family('agent'),
  family('policy'),
  family('tool'),
  family('workflow'),
  family('sandbox'),
  family('knowledge'),
  family('integration'),
  family('bundle'),
  family('model'),
  family('fileset'),
  file('sbom, CycloneDX', (world) => forms.billed(world, 'cyclonedx')),
  file('sbom, SPDX', (world) => forms.billed(world, 'spdx')),
  layout('sbom, CycloneDX beside an index', async (world) => forms.billed(world, 'cyclonedx', await forms.twoVariants(world))),
  layout('sbom, SPDX beside an artifact', async (world) => forms.billed(world, 'spdx', await forms.packed(world))),
  file('provenance, min', async (world) => forms.told(world, await blob(world, 'an image'), 'min')),
  file('provenance, max', async (world) => forms.told(world, await blob(world, 'an image'), 'max')),
  layout('provenance, min, beside', async (world) => forms.toldBeside(world, await forms.twoVariants(world), 'min')),
  layout('provenance, max, beside', async (world) => forms.toldBeside(world, await forms.twoVariants(world), 'max')),
  layout('sign, an artifact', async (world) => forms.signed(world, await forms.packed(world))),
  layout('sign, an index and what is said of it', everythingSigned),
  {
    name: 'sign, the bundle',
    make: async (world) => digestOf(await forms.bundleOf(world, await forms.signed(world, await forms.packed(world)))),
  },
  file('convert to gzip', (world) => forms.converted(world, 'gzip'), 'gzip'),
  file('convert to zstd', (world) => forms.converted(world, 'zstd'), 'zstd'),
  file('rewrite_timestamps', forms.cutInTime),
  file('verity, the tree', (world) => forms.hashed(world, 'tree')),
  file('verity, the image', (world) => forms.hashed(world, 'image')),
  file('verity, the root hash', (world) => forms.hashed(world, 'root-hash')),
  exported('the exporter oci-layout', (dest) => layoutExporter({ dest, target: [] })),
  exported('the exporter oci-archive', (dest) => archiveExporter({ dest, target: [] })),
  exported('the exporter file-store', (dest) => fileStoreExporter({ dest, name: 'a/b:v1', target: [] }, { takeLock })),
];

async function everythingSigned(world: World): Promise<Ref> {
  const billed = await forms.billed(world, 'cyclonedx', await forms.twoVariants(world));
  return forms.signed(world, await forms.toldBeside(world, billed, 'max'));
}

describe('the same input gives the same bytes everywhere', () => {
  test.for(table)('$name', async ({ name, make, library }, { skip }) => {
    if (library !== undefined && compressionLibrary(library) !== libraries[library])
      skip(`the golden is of ${libraries[library]}, and this is ${compressionLibrary(library)}`);
    expect(await make(forms.lendWorld())).toBe(`sha256:${goldens[name]}`);
  });
});

test('every form is another one, and there is none without a golden', () => {
  expect(table.map(({ name }) => name)).toEqual(Object.keys(goldens));
  expect(new Set(Object.values(goldens)).size).toBe(table.length);
});

test('none of them knows who made it, where, or when', async () => {
  const usual = { umask: process.umask(0o077), cwd: process.cwd(), now: Date.now() };
  const all = async (): Promise<readonly string[]> => Promise.all(table.map(({ make }) => make(forms.lendWorld())));
  const folder = mkdtempSync(join(scratch, 'elsewhere-'));
  try {
    process.chdir(folder);
    const names = { TZ: 'Asia/Tokyo', LANG: 'tr_TR.UTF-8', LC_ALL: 'tr_TR.UTF-8', HOME: folder, USER: 'other', LOGNAME: 'other' };
    for (const [name, value] of Object.entries(names)) vi.stubEnv(name, value);
    vi.useFakeTimers({ toFake: ['Date'], now: usual.now + 5 * 366 * 86_400_000 });
    expect(new Date(0).getHours()).toBe(9);
    const there = await all();
    vi.useRealTimers();
    vi.unstubAllEnvs();
    process.chdir(usual.cwd);
    process.umask(0o002);
    expect(there).toEqual(await all());
  } finally {
    vi.useRealTimers();
    vi.unstubAllEnvs();
    process.chdir(usual.cwd);
    process.umask(usual.umask);
  }
});

test('the signature is one of its key over what DSSE says', async () => {
  const world = forms.lendWorld();
  const { dsseEnvelope } = JSON.parse(
    Buffer.from(await forms.bundleOf(world, await forms.signed(world, await forms.packed(world)))).toString(),
  );
  const payload = Buffer.from(dsseEnvelope.payload, 'base64');
  const head = `DSSEv1 ${dsseEnvelope.payloadType.length} ${dsseEnvelope.payloadType} ${payload.length} `;
  const signature = Buffer.from(dsseEnvelope.signatures[0].sig, 'base64');
  expect(verify(null, Buffer.concat([Buffer.from(head), payload]), forms.publicKey, signature)).toBe(true);
});
