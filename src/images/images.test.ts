import { execFileSync } from 'node:child_process';
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { createServer } from 'node:net';
import { once } from 'node:events';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { ByteString } from '../base/byte-string.ts';
import { PortkitError } from '../base/errors.ts';
import { writeCpio } from '../formats/cpio/write.ts';
import type { Contents, FileEntry } from '../formats/file-tree.ts';
import { writeTar } from '../formats/tar/write.ts';
import { openScratch } from '../ops/scratch-file.ts';
import { runProgram } from '../ops/run-program.ts';
import { unxzWith } from '../ops/unxz.ts';
import { createMemoryStore } from '../store/memory.ts';
import { tarEntriesOf } from '../formats/tar/tree-entries.ts';
import { compareTrees } from './compare.ts';
import { readDirectory } from './directory.ts';
import { loadTree } from './load.ts';
import type { LoadedTree, LoadWorld } from './load.ts';
import { startReadAhead } from './read-ahead.ts';
import { spoolOn } from './spool.ts';

const { signal } = new AbortController();

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'portkit-images-'));
  mkdirSync(join(folder, 'in/deep'), { recursive: true });
  mkdirSync(join(folder, 'scratch'));
  writeFileSync(join(folder, 'in/deep/file'), 'text');
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

function load(from: string, stdin = Buffer.alloc(0)): Promise<LoadedTree> {
  const world: LoadWorld = {
    scratch: join(folder, 'scratch'),
    unxz: unxzWith(runProgram, '/usr/bin:/bin'),
    platform: 'linux/amd64',
    stdin: async function* pipe() {
      yield await Promise.resolve(stdin);
    },
  };
  return loadTree({ from }, world, signal);
}

async function textOf(contents: Contents, content: string): Promise<string> {
  const opened = contents.open(content, signal);
  return Buffer.concat(opened instanceof Uint8Array ? [opened] : await Array.fromAsync(opened)).toString();
}

async function codeOf(work: () => Promise<unknown>): Promise<string> {
  return work().then(
    () => 'none',
    (error: unknown) => (error instanceof PortkitError ? error.code : String(error)),
  );
}

const outside = { mode: 0o644, uid: 0, gid: 0, mtime: { seconds: 0, nanos: 0 }, xattrs: [] };

test.each([
  ['nothing', 'none', () => undefined],
  ['a write of as many bytes', 'PK2101', (file: string) => writeFileSync(file, 'TEXT')],
  ['a write with the times set back', 'PK2101', writeInSecret],
  ['another file', 'PK2101', (file: string) => swap(file, () => writeFileSync(file, 'text'))],
  ['a link to a file outside', 'PK2101', (file: string) => swap(file, () => symlinkSync('/etc/passwd', file))],
  [
    'a directory that is a link now',
    'PK2101',
    (file: string) => swap(join(file, '..'), () => symlinkSync('/etc', join(file, '..'))),
  ],
  ['a FIFO', 'PK2101', (file: string) => swap(file, () => execFileSync('mkfifo', [file]))],
  ['a directory', 'PK2101', (file: string) => swap(file, () => mkdirSync(file))],
  ['nothing there', 'PK2101', (file: string) => rmSync(file)],
] as const)('a file is what was listed, or refused: %s', async (_, code, happen) => {
  using tree = await readDirectory(join(folder, 'in'), signal);
  await new Promise((resolve) => setTimeout(resolve, 12));
  happen(join(folder, 'in/deep/file'));
  expect(await codeOf(async () => expect(await textOf(tree.contents, 'deep/file')).toBe('text'))).toBe(code);
});

function writeInSecret(file: string): void {
  writeFileSync(file, 'TEXT');
  utimesSync(file, 0, 0);
}

function swap(path: string, put: () => void): void {
  renameSync(path, `${path}.away`);
  put();
}

test('large files come in pieces, and a change in the middle is seen', async () => {
  const file = join(folder, 'in/large');
  writeFileSync(file, Buffer.alloc(3_000_000, 'x'));
  using tree = await readDirectory(join(folder, 'in'), signal);
  expect((await textOf(tree.contents, 'large')).length).toBe(3_000_000);
  const pieces = tree.contents.open('large', signal);
  expect(
    await codeOf(async () => {
      for await (const piece of pieces as AsyncIterable<Uint8Array>) if (piece.length > 0) writeFileSync(file, 'short');
    }),
  ).toBe('PK2101');
});

test('archives in memory that is used again are the same', async () => {
  for (const [name, size] of [20, 3000, 65_536, 65_537, 262_144, 262_145, 900_000].entries())
    for (const again of ['a', 'b'])
      writeFileSync(join(folder, 'in', `${name}${again}`), Buffer.alloc(size, `${again}${name} and so on, `));
  using tree = await readDirectory(join(folder, 'in'), signal);
  const contents: Contents = { open: (content) => readFileSync(join(folder, 'in', content)) };
  const kept = { entries: tree.entries, contents };
  const cpio = await copyOf(writeCpio(tree, { reuse: true }, signal));
  expect(cpio.equals(Buffer.concat(await Array.fromAsync(writeCpio(kept, {}, signal))))).toBe(true);
  const tar = await copyOf(writeTar(tarEntriesOf(tree, signal), signal, { reuse: true }));
  expect(tar.equals(Buffer.concat(await Array.fromAsync(writeTar(tarEntriesOf(kept, signal), signal))))).toBe(true);
});

test('a tree that two threads read is the tree that one reads, whoever is faster', async () => {
  for (let at = 0; at < 2400; at += 1) {
    const below = join(folder, `in/${Math.floor(at / 800)}`);
    if (at % 800 === 0) mkdirSync(below);
    writeFileSync(join(below, `${at}`), Buffer.alloc(at % 50 === 7 ? 70_000 : at % 31, `${at} `));
  }
  using tree = await readDirectory(join(folder, 'in'), signal, startReadAhead);
  const files = tree.entries.filter(({ type }) => type === 'file').map(({ path }) => path as string);
  const slow = new Int32Array(new SharedArrayBuffer(4));
  // All in order, with time for the other thread in between; then in an order that nobody expects.
  for (const names of [files, files.toReversed(), files.filter((_, at) => at % 3 === 0)])
    for (const [at, name] of names.entries()) {
      if (at % 300 === 0) Atomics.wait(slow, 0, 0, 25);
      expect(await textOf(tree.contents, name), name).toBe(readFileSync(join(folder, 'in', name), 'utf8'));
    }
});

test('a file that changed is refused, though others are read ahead', async () => {
  for (let at = 0; at < 2100; at += 1) writeFileSync(join(folder, 'in', `${at}`.padStart(4, '0')), `${at}`);
  using tree = await readDirectory(join(folder, 'in'), signal, startReadAhead);
  writeFileSync(join(folder, 'in', '1999'), 'changed');
  const all = async () => {
    for (const { path, type } of tree.entries) if (type === 'file') await textOf(tree.contents, path);
  };
  expect(await codeOf(all)).toBe('PK2101');
});

async function copyOf(stream: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const parts: Buffer[] = [];
  for await (const chunk of stream) parts.push(Buffer.from(chunk));
  return Buffer.concat(parts);
}

test('a socket is refused where the format has none', async () => {
  const server = createServer().listen(join(folder, 'in/s'));
  await once(server, 'listening');
  using tree = await readDirectory(join(folder, 'in'), signal);
  expect(await codeOf(async () => Promise.resolve([...tarEntriesOf(tree, signal)]))).toBe('PK3952');
  const archive = Buffer.concat(await Array.fromAsync(writeCpio(tree, {}, signal)));
  server.close();
  expect(await codeOf(() => load('-', archive))).toBe('PK3952');
});

test('an initrd with an early part is all of its parts, and a tar may be packed with xz', async () => {
  const root: FileEntry = { path: '' as ByteString, type: 'dir', ...outside };
  const named = (name: string): FileEntry => ({ path: name as ByteString, type: 'file', size: 1, content: name, ...outside });
  const part = async (name: string): Promise<Buffer> => {
    const contents: Contents = { open: (content) => Buffer.from(content) };
    return Buffer.concat(await Array.fromAsync(writeCpio({ entries: [root, named(name)], contents }, {}, signal)));
  };
  using initrd = await load('-', Buffer.concat([await part('a'), gzipSync(await part('b'))]));
  expect(initrd.format).toBe('cpio');
  expect(initrd.entries.map(({ path }) => path)).toEqual(['', 'a', 'b']);
  execFileSync('tar', ['-cJf', join(folder, 'in.tar.xz'), '-C', join(folder, 'in'), '.']);
  using tar = await load(join(folder, 'in.tar.xz'));
  expect(tar.format).toBe('tar');
  using directory = await load(join(folder, 'in'));
  // GNU tar's usual format has whole seconds.
  const differences = await Array.fromAsync(compareTrees(directory, tar, signal));
  expect(differences.flatMap(({ properties }) => properties).filter((one) => !one.startsWith('time '))).toEqual([]);
  expect(readdirSync(join(folder, 'scratch'))).toEqual([]);
});

test('what is no image is refused, whatever it is', async () => {
  await fc.assert(
    fc.asyncProperty(fc.uint8Array({ maxLength: 4096 }), async (bytes) => {
      expect(await codeOf(() => load('-', Buffer.from(bytes)))).toMatch(/^PK3951$/);
    }),
    { numRuns: 50 },
  );
  expect(await codeOf(() => load('-', gzipSync('text')))).toBe('PK3951');
  const erofs = Buffer.concat([Buffer.alloc(1024), Buffer.from([0xe2, 0xe1, 0xf5, 0xe0]), Buffer.alloc(4096)]);
  expect(await codeOf(() => load('-', erofs))).toBe('PK3951');
  expect(await codeOf(() => load('-', Buffer.concat([gzipSync('0707'), Buffer.from('x')])))).toMatch(/^PK3/);
});

test('trees are compared to the last byte', async () => {
  const tree = (text: string, mode = 0o644) => {
    const bytes = Buffer.alloc(2_000_000, 'x');
    bytes.write(text, bytes.length - text.length);
    const file: FileEntry = { ...outside, path: 'f' as ByteString, type: 'file', size: bytes.length, content: '', mode };
    async function* pieces(): AsyncGenerator<Uint8Array> {
      for (let at = 0; at < bytes.length; at += 7777 * text.length)
        yield await Promise.resolve(bytes.subarray(at, at + 7777 * text.length));
    }
    return { entries: [file], contents: { open: () => pieces() } };
  };
  const compare = (a: ReturnType<typeof tree>, b: ReturnType<typeof tree>) => Array.fromAsync(compareTrees(a, b, signal));
  expect(await compare(tree('xx'), tree('x'))).toEqual([]);
  expect(await compare(tree('xx'), tree('xy'))).toEqual([{ path: 'f', change: 'changed', properties: ['content'] }]);
  expect(await compare(tree('x'), tree('y', 0o600))).toMatchObject([{ properties: ['mode 0644 → 0600', 'content'] }]);
});

test('the spool is a store, also when two write at once', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.array(fc.uint8Array({ maxLength: 40 })), { maxLength: 5 }), async (blobs) => {
      using file = openScratch(join(folder, 'scratch'));
      const [spool, memory] = [spoolOn(file), createMemoryStore()];
      async function* given(chunks: readonly Uint8Array[]): AsyncGenerator<Uint8Array> {
        for (const chunk of chunks) yield await Promise.resolve(chunk);
      }
      const written = await Promise.all(blobs.map((chunks) => spool.write(given(chunks), signal)));
      for (const [at, info] of written.entries()) {
        expect(info).toEqual(await memory.write(given(blobs[at] ?? []), signal));
        expect(await spool.stat(info.digest, signal)).toEqual(info);
        expect(Buffer.from(spool.get(info.digest) ?? [1])).toEqual(Buffer.concat(blobs[at] ?? []));
        const opened = await spool.open(info.digest, signal);
        expect(Buffer.concat(await Array.fromAsync(opened ?? []))).toEqual(Buffer.concat(blobs[at] ?? []));
      }
      expect(spool.batch().add(Buffer.from('one'))).toBe(memory.batch().add(Buffer.from('one')));
      expect(spool.get(memory.batch().add(Buffer.from('another one that is not there')))).toBeUndefined();
    }),
    { numRuns: 50 },
  );
});
