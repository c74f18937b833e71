import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync, zstdCompressSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { treeLines } from '../../test/tree-lines.ts';
import { byteString } from '../base/byte-string.ts';
import { digestOf, hexOf } from '../base/digest.ts';
import type { Digest } from '../base/digest.ts';
import { encodeEntry, padding } from '../formats/tar/encode.ts';
import type { TarEntry } from '../formats/tar/entry.ts';
import type { ImageSpec } from '../graph/source-ops.ts';
import type { OpContext, Outcome } from '../solver/op.ts';
import { createMemoryStore } from '../store/memory.ts';
import { imageOp } from './image.ts';
import type { ImageWorld } from './image.ts';

const { signal } = new AbortController();
const ociTypes = {
  index: 'application/vnd.oci.image.index.v1+json',
  manifest: 'application/vnd.oci.image.manifest.v1+json',
  config: 'application/vnd.oci.image.config.v1+json',
  layer: 'application/vnd.oci.image.layer.v1.tar',
};
let folder: string;
let store: ReturnType<typeof createMemoryStore>;
let moved: (readonly [number, number | undefined])[];
const context: OpContext = { signal, output: () => undefined, transfer: (done, total) => void moved.push([done, total]) };

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'portkit-image-'));
  mkdirSync(join(folder, 'layout/blobs/sha256'), { recursive: true });
  writeFileSync(join(folder, 'layout/oci-layout'), '{"imageLayoutVersion":"1.0.0"}');
  store = createMemoryStore();
  moved = [];
});

afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** Lines like `f path text`, `d path`, `l path target`, `h path target`, `c path` as a tar. */
async function tar(...lines: readonly string[]): Promise<Buffer> {
  const entries = lines.map((line): TarEntry => {
    const [type, name = '', text = ''] = line.split(' ');
    const own = { path: byteString(name), mode: 0o644, uid: 1, gid: 2, mtime: { seconds: 5, nanos: 0 }, xattrs: [] };
    const content = ReadableStream.from([Buffer.from(text)]);
    if (type === 'd') return { ...own, type: 'dir', mode: Number.parseInt(text === '' ? '755' : text, 8) };
    if (type === 'l') return { ...own, type: 'symlink', target: byteString(text) };
    if (type === 'h') return { ...own, type: 'hardlink', target: byteString(text) };
    if (type === 'c') return { ...own, type: 'char', major: 1, minor: 3 };
    return { ...own, type: 'file', size: text.length, content };
  });
  const parts: Uint8Array[] = [];
  for (const entry of entries) {
    parts.push(encodeEntry(entry));
    if (entry.type === 'file') parts.push(...(await Array.fromAsync(entry.content)), padding(entry.size));
  }
  return Buffer.concat([...parts, Buffer.alloc(1024)]);
}

function blob(bytes: Uint8Array | string): { readonly digest: Digest; readonly size: number } {
  const digest = digestOf(bytes);
  writeFileSync(join(folder, 'layout/blobs/sha256', hexOf(digest)), bytes);
  return { digest, size: bytes.length };
}

function json(value: unknown, mediaType: string) {
  return { mediaType, ...blob(JSON.stringify(value)) };
}

interface Made {
  readonly platform?: { readonly os: string; readonly architecture: string; readonly variant?: string };
  readonly diffIds?: readonly string[];
  readonly pack?: 'gzip' | 'zstd';
  readonly manifest?: Readonly<Record<string, unknown>>;
  readonly layer?: Readonly<Record<string, unknown>>;
}

function image(tars: readonly Buffer[], made: Made = {}) {
  const { platform = { os: 'linux', architecture: 'amd64' }, pack } = made;
  const diffIds = made.diffIds ?? tars.map((one) => digestOf(one));
  const config = json({ ...platform, rootfs: { type: 'layers', diff_ids: diffIds } }, ociTypes.config);
  const packed = tars.map((one) => (pack === undefined ? one : pack === 'gzip' ? gzipSync(one) : zstdCompressSync(one)));
  const mediaType = pack === undefined ? ociTypes.layer : `${ociTypes.layer}+${pack}`;
  const layers = packed.map((one) => ({ mediaType, ...blob(one), ...made.layer }));
  return json({ schemaVersion: 2, mediaType: ociTypes.manifest, config, layers, ...made.manifest }, ociTypes.manifest);
}

function index(manifests: readonly unknown[]): void {
  writeFileSync(join(folder, 'layout/index.json'), JSON.stringify({ schemaVersion: 2, manifests }));
}

function take(spec: Partial<ImageSpec> = {}): Promise<Outcome> {
  const whole = { type: 'image', reference: 'x', layout: 'layout', ...spec } as const;
  return imageOp(whole, worldOf()).run([], context);
}

function worldOf(): ImageWorld {
  const openRepository = () => Promise.reject(new Error('a registry was asked'));
  return { blobs: store, directory: folder, platform: 'linux/amd64', openRepository };
}

function linesOf(outcome: Outcome): Promise<readonly string[]> {
  if (!outcome.ok) throw new Error(outcome.failure.message);
  return treeLines(outcome.outputs[0]?.digest ?? digestOf(''), store);
}

function codeOf(outcome: Outcome): string {
  return outcome.ok ? 'ok' : outcome.failure.code;
}

async function takeLayers(...layers: readonly (readonly string[])[]): Promise<readonly string[]> {
  index([image(await Promise.all(layers.map((lines) => tar(...lines))))]);
  return linesOf(await take());
}

describe('layers', () => {
  test.each([undefined, 'gzip', 'zstd'] as const)('packed as %s become one tree, with owners and times', async (pack) => {
    const manifest = image(
      [await tar('d etc', 'f etc/a one', 'c null'), await tar('f etc/b two', 'h etc/c etc/b')],
      pack && { pack },
    );
    index([manifest]);
    const outcome = await take();
    expect(await linesOf(outcome)).toEqual([
      'dir 755',
      'dir 755 etc',
      'file 644 etc/a one',
      'file 644 etc/b two',
      'file 644 etc/c = etc/b',
      'char 644 null',
    ]);
    expect(outcome).toMatchObject({ detail: { manifest: manifest.digest } });
    expect(moved.at(-1)?.[0]).toBe(moved.at(-1)?.[1]);
  });

  test('lie over each other: the later wins, in kind and attributes', async () => {
    const below = ['d a 700', 'f a/x 1', 'f b 1', 'd c', 'f c/x 1', 'l l a'];
    expect(await takeLayers(below, ['f a/y 2', 'd b', 'f b/y 2', 'f c 2', 'd l'])).toEqual([
      'dir 755',
      'dir 700 a',
      'file 644 a/x 1',
      'file 644 a/y 2',
      'dir 755 b',
      'file 644 b/y 2',
      'file 644 c 2',
      'dir 755 l',
    ]);
  });

  test('may link to files of the layers below', async () => {
    expect(await takeLayers(['f a 1'], ['h b a'])).toEqual(['dir 755', 'file 644 a 1', 'file 644 b = a']);
  });

  test('may link to files that come after the link; to one below that is replaced after it, the link keeps the old', async () => {
    expect(await takeLayers(['h b a', 'f a 1'])).toEqual(['dir 755', 'file 644 a 1', 'file 644 b = a']);
    expect(await takeLayers(['f a 1'], ['h b a', 'f a 2'])).toEqual(['dir 755', 'file 644 a 2', 'file 644 b 1']);
    index([image([await tar('h b missing')])]);
    expect(codeOf(await take())).toBe('PK1003');
  });

  test('with whiteouts remove what is below, never what is of their own', async () => {
    expect(await takeLayers(['f a 1', 'd d', 'f d/x 1', 'f z 1'], ['f a 2', 'f .wh.a', 'f .wh.d', 'f .wh.missing'])).toEqual([
      'dir 755',
      'file 644 a 2',
      'file 644 z 1',
    ]);
    expect(await takeLayers(['d d', 'f d/x 1'], ['f d/.wh.x', 'f d/y 2'])).toEqual(['dir 755', 'dir 755 d', 'file 644 d/y 2']);
  });

  test('with an opaque directory hide all that is below it, whatever the order', async () => {
    const below = ['d d 700', 'f d/x 1', 'd d/sub', 'f d/sub/y 1', 'f other 1', 'h link d/x'];
    const expected = ['dir 755', 'dir 700 d', 'file 644 d/new 2', 'file 644 link 1', 'file 644 other 1'];
    expect(await takeLayers(below, ['f d/.wh..wh..opq', 'f d/new 2'])).toEqual(expected);
    expect(
      await takeLayers(below, ['f d/new 2', 'f d/.wh..wh..opq', 'd .wh..wh.plnk', 'f .wh..wh.plnk/1.2 x', 'f .wh..wh.aufs']),
    ).toEqual(expected);
    expect(await takeLayers(below, ['f .wh..wh..opq', 'f only 2'])).toEqual(['dir 755', 'file 644 only 2']);
  });

  test.each(['f .wh.', 'f .wh...', 'f .wh..'])('with the whiteout %j are refused', async (line) => {
    index([image([await tar(line)])]);
    expect(codeOf(await take())).toBe('PK3212');
  });

  test('never go through a symlink of the layer below', async () => {
    index([image([await tar('l lib /etc'), await tar('f lib/passwd evil')])]);
    expect(codeOf(await take())).toBe('PK1003');
  });

  test('that unpack to something else, or are other bytes, are refused', async () => {
    const one = await tar('f a 1');
    index([image([one], { pack: 'gzip', diffIds: [digestOf('x')] })]);
    expect(codeOf(await take())).toBe('PK3202');
    index([image([one], { diffIds: [] })]);
    expect(codeOf(await take())).toBe('PK3212');
    index([image([one])]);
    writeFileSync(join(folder, 'layout/blobs/sha256', hexOf(digestOf(one))), await tar('f a 2'));
    expect(codeOf(await take())).toBe('PK3202');
    rmSync(join(folder, 'layout/blobs/sha256', hexOf(digestOf(one))));
    expect(codeOf(await take())).toBe('PK3203');
  });

  test.each([
    ['smaller than it is', { size: 100 }, 'PK3204'],
    ['larger than it is', { size: 1e9 }, 'PK3212'],
    ['negative', { size: -1 }, 'PK3212'],
    ['2^63', { size: 2 ** 63 }, 'PK3212'],
    ['text', { size: '5' }, 'PK3212'],
  ])('whose size is %s are refused (GHSA-f36w-mj3v-6jqv)', async (_, layer, code) => {
    index([image([await tar('f a 1')], { layer })]);
    expect(codeOf(await take())).toBe(code);
  });

  test.each(['sha256:../../../etc/passwd', 'sha256:abc', `sha512:${'0'.repeat(128)}`, `SHA256:${'0'.repeat(64)}`, 7])(
    'with the digest %j are refused (CVE-2024-3727)',
    async (digest) => {
      index([image([await tar('f a 1')], { layer: { digest } })]);
      expect(codeOf(await take())).toBe('PK3212');
    },
  );

  test('of another type are refused', async () => {
    index([image([await tar('f a 1')], { layer: { mediaType: 'application/x-tar' } })]);
    expect(codeOf(await take())).toBe('PK3212');
  });
});

describe('documents', () => {
  test.each<[string, Readonly<Record<string, unknown>>]>([
    ['both an index and a manifest (CVE-2021-41190)', { manifests: [] }],
    ['of another media type than they are', { mediaType: ociTypes.index }],
    ['of another schema version', { schemaVersion: 1 }],
    ['without layers', { layers: undefined }],
    ['no image', { config: { mediaType: 'application/vnd.cncf.helm.config.v1+json', digest: digestOf(''), size: 0 } }],
  ])('%s are refused', async (_, manifest) => {
    index([image([await tar('f a 1')], { manifest })]);
    expect(codeOf(await take())).toBe('PK3212');
  });

  test('with a key twice, or that are no JSON, are refused', async () => {
    for (const text of ['{"layers":[],"layers":[]}', 'x', '']) {
      index([{ mediaType: ociTypes.manifest, ...blob(text) }]);
      expect(codeOf(await take())).toBe('PK3301');
    }
  });

  test('that lead in circles or too deep are refused', async () => {
    const { platform } = { platform: { os: 'linux', architecture: 'amd64' } };
    let at: object = image([await tar('f a 1')]);
    for (let depth = 0; depth < 4; depth++) at = json({ schemaVersion: 2, manifests: [{ ...at, platform }] }, ociTypes.index);
    index([at]);
    expect(codeOf(await take())).toBe('PK3212');
  });
});

describe('the image that is meant', () => {
  const named = (name: string) => ({ annotations: { 'org.opencontainers.image.ref.name': name } });
  const amd64 = { os: 'linux', architecture: 'amd64' };
  const arm64 = { os: 'linux', architecture: 'arm64', variant: 'v8' };

  test('is found by name, by digest, and by platform', async () => {
    const [one, two] = [image([await tar('f one')]), image([await tar('f two')])];
    const arm = image([await tar('f arm')], { platform: arm64 });
    const both = json(
      {
        schemaVersion: 2,
        manifests: [
          { ...one, platform: amd64 },
          { ...arm, platform: arm64 },
        ],
      },
      ociTypes.index,
    );
    index([
      { ...one, ...named('one') },
      { ...two, ...named('two') },
      { ...both, ...named('both') },
    ]);
    expect(await linesOf(await take({ reference: 'two' }))).toContain('file 644 two');
    expect(await linesOf(await take({ digest: two.digest }))).toContain('file 644 two');
    expect(await linesOf(await take({ reference: 'both' }))).toContain('file 644 one');
    expect(await linesOf(await take({ reference: 'both', platform: 'linux/arm64' }))).toContain('file 644 arm');
    expect(await linesOf(await take({ reference: 'both', platform: 'linux/arm64/v8' }))).toContain('file 644 arm');
    expect(codeOf(await take({ reference: 'both', platform: 'linux/riscv64' }))).toBe('PK3203');
    expect(codeOf(await take({ reference: 'one', platform: 'linux/arm64' }))).toBe('PK3203');
    expect(codeOf(await take({ reference: 'missing' }))).toBe('PK3203');
    index([
      { ...one, platform: amd64 },
      { ...arm, platform: arm64 },
    ]);
    expect(await linesOf(await take({ platform: 'linux/arm64' }))).toContain('file 644 arm');
  });

  test('is its digest in the key, without a look at the layout when that is pinned', async () => {
    const one = image([await tar('f one')]);
    index([one]);
    const world = worldOf();
    const facts = { digest: one.digest, platform: 'linux/amd64' };
    expect(await imageOp({ type: 'image', reference: '', layout: 'layout' }, world).facts(context)).toEqual({ facts });
    const pinned = imageOp({ type: 'image', reference: '', layout: 'gone', digest: one.digest }, world);
    expect(await pinned.facts(context)).toEqual({ facts });
    expect(codeOf(await pinned.run([], context))).toBe('PK3208');
  });

  test('in a layout of another version, or without one, is refused', async () => {
    writeFileSync(join(folder, 'layout/oci-layout'), '{"imageLayoutVersion":"2.0.0"}');
    expect(codeOf(await take())).toBe('PK3212');
    rmSync(join(folder, 'layout/oci-layout'));
    expect(codeOf(await take())).toBe('PK3203');
    expect(codeOf(await take({ layout: '../..' }))).toBe('PK3208');
  });
});
