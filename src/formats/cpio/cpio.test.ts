import { execFileSync, spawnSync } from 'node:child_process';
import { lstatSync, mkdirSync, mkdtempSync, readFileSync, readlinkSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync, zstdCompressSync } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { collect, cpioHelp, cpioOf, entriesOf, plain, root, signal, treeOf } from '../../../test/formats/cpio.ts';
import { byteString, fromBytes, toBytes } from '../../base/byte-string.ts';
import type { ByteString } from '../../base/byte-string.ts';
import { digestOf } from '../../base/digest.ts';
import { isBefore } from '../archive-names.ts';
import type { FileEntry } from '../file-tree.ts';
import { withoutXattrs, writeCpio } from './write.ts';

const at = (seconds: number): { mtime: { seconds: number; nanos: number } } => ({ mtime: { seconds, nanos: 0 } });
const raw = fromBytes(Buffer.from([0x6f, 0xff, 0xfe]));

/** Every type of inode, hard links over directories, names that are no UTF-8. */
const zoo: readonly FileEntry[] = [
  { ...root, ...at(1_700_000_000) },
  { ...plain, path: byteString('b'), type: 'block', major: 259, minor: 1_048_575 },
  { ...plain, path: byteString('c'), type: 'char', mode: 0o600, major: 5, minor: 1 },
  { ...plain, path: byteString('d'), type: 'dir', mode: 0o1777, uid: 3_000_000, gid: 7 },
  { ...plain, path: byteString('d/f'), type: 'file', mode: 0o4755, ...at(2 ** 32 - 1), size: 5, content: 'hello' },
  { path: byteString('d/g'), type: 'hardlink', target: byteString('d/f') },
  { ...plain, path: byteString('empty'), type: 'file', size: 0, content: '' },
  { path: byteString('empty2'), type: 'hardlink', target: byteString('empty') },
  { path: byteString('h'), type: 'hardlink', target: byteString('d/f') },
  { ...plain, path: raw, type: 'file', size: 3, content: '\xff\0x' },
  { ...plain, path: byteString('p'), type: 'fifo' },
  { ...plain, path: byteString('s'), type: 'symlink', mode: 0o777, target: byteString('../ä b') },
  { ...plain, path: byteString('t'), type: 'socket' },
];

/** As a set, because the names of a hard-linked file come when its content comes. */
const byPath = (entries: readonly FileEntry[]): ReadonlyMap<string, FileEntry> => {
  const sorted = entries.toSorted((a, b) => (isBefore(a.path, b.path) ? -1 : 1));
  const first = new Map<string, string>();
  return new Map(
    sorted.map((entry) => {
      const inode = entry.type === 'hardlink' ? entry.target : entry.path;
      const known = first.get(inode);
      first.set(inode, known ?? entry.path);
      const content = entries.find(({ path, type }) => path === inode && type === 'file') ?? entry;
      if (known !== undefined) return [entry.path, { path: entry.path, type: 'hardlink', target: byteString(known) }];
      return [entry.path, { ...content, path: entry.path }];
    }),
  );
};

const code = (promise: Promise<unknown>): Promise<unknown> =>
  promise.then(
    () => 'read',
    (error: unknown) => (error instanceof Error && 'code' in error ? error.code : error),
  );

function inFolder<Result>(work: (folder: string) => Result): Result {
  const folder = mkdtempSync(join(tmpdir(), 'portkit-cpio-'));
  try {
    return work(folder);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

describe('writing', () => {
  test('is always the same bytes', async () => {
    const one = await cpioOf(treeOf(zoo));
    for (const piece of [1, 2, 3]) expect((await cpioOf(treeOf(zoo, piece))).equals(one)).toBe(true);
    expect(one.length % 512).toBe(0);
    expect(digestOf(one)).toBe('sha256:222b7d50fe7d568460df70e59b7f7a56d7f5fffefafa9d0e28d917ed94dd7222');
    const short = await cpioOf(treeOf(zoo), { blockSize: 4 });
    expect(short.length % 4).toBe(0);
    expect(one.subarray(0, short.length).equals(short)).toBe(true);
    expect(one.subarray(short.length).every((byte) => byte === 0)).toBe(true);
  });

  test('comes back', async () => {
    const bytes = await cpioOf(treeOf(zoo));
    for (const piece of [1, 7, 100_000]) expect(byPath(await entriesOf(bytes, cpioHelp, piece))).toEqual(byPath(zoo));
  });

  test('comes back, whatever sizes and names', async () => {
    const name = fc.uint8Array({ minLength: 1, maxLength: 9 }).map((bytes) => fromBytes(bytes.map((byte) => (byte % 2) + 0x61)));
    const files = fc.uniqueArray(fc.tuple(name, fc.string({ unit: 'binary-ascii', maxLength: 70 }), fc.nat(9)), {
      selector: ([path]) => path,
      maxLength: 12,
    });
    await fc.assert(
      fc.asyncProperty(files, fc.integer({ min: 0, max: 9 }), async (list, piece) => {
        const sorted = list.toSorted(([a], [b]) => (a < b ? -1 : 1));
        const firsts = new Map<number, (typeof list)[number][0]>();
        const entries = sorted.map(([path, content, group]): FileEntry => {
          const first = firsts.get(group);
          if (first !== undefined) return { path, type: 'hardlink', target: first };
          firsts.set(group, path);
          return { ...plain, path, type: 'file', content, size: content.length };
        });
        const bytes = await cpioOf(treeOf([root, ...entries], piece));
        expect(byPath(await entriesOf(bytes))).toEqual(byPath([root, ...entries]));
      }),
      { numRuns: 100 },
    );
  });

  test('large files pass through and small ones are put together', async () => {
    const entries = ['a', 'b', 'c'].map((path): FileEntry => {
      const content = path.repeat(path === 'b' ? 1_000_001 : 1001);
      return { ...plain, path: byteString(path), type: 'file', size: content.length, content };
    });
    const chunks: number[] = [];
    for await (const chunk of writeCpio(treeOf([root, ...entries]), {}, signal)) chunks.push(chunk.length);
    expect(chunks).toHaveLength(3);
    expect(chunks[1]).toBe(1_000_001);
    expect(await entriesOf(await cpioOf(treeOf([root, ...entries], 70_000)))).toEqual([root, ...entries]);
  });

  test('times are those that the format can say', async () => {
    const one = (mtime: { seconds: number; nanos: number }): FileEntry => ({
      ...plain,
      path: byteString('f'),
      type: 'fifo',
      mtime,
    });
    const cases = [
      [-5, 0],
      [12, 12],
      [2 ** 32, 2 ** 32 - 1],
    ] as const;
    for (const [seconds, expected] of cases) {
      const read = await entriesOf(await cpioOf(treeOf([root, one({ seconds, nanos: 999 })])));
      expect(read[1]).toMatchObject({ mtime: { seconds: expected, nanos: 0 } });
    }
    const all = await entriesOf(await cpioOf(treeOf(zoo), { mtime: 42 }));
    expect(all.every((entry) => entry.type === 'hardlink' || entry.mtime.seconds === 42)).toBe(true);
  });

  test('what does not fit is refused with its name', async () => {
    const file: FileEntry = { ...plain, path: byteString('big'), type: 'file', size: 2 ** 32, content: '' };
    await expect(cpioOf(treeOf([root, file]))).rejects.toMatchObject({
      code: 'PK3601',
      message: expect.stringContaining('"big"'),
    });
    const deep = Array.from({ length: 17 }, (_, at) => Array.from({ length: at + 1 }, () => 'n'.repeat(250)).join('/'));
    const dirs = deep.map((path): FileEntry => ({ ...plain, path: byteString(path), type: 'dir' }));
    expect(await code(cpioOf(treeOf([root, ...dirs])))).toBe('PK3601');
    expect(await code(cpioOf(treeOf([root, ...dirs.slice(0, 16)])))).toBe('read');
    expect(await code(cpioOf(treeOf([root, { ...plain, path: byteString('TRAILER!!!'), type: 'dir' }])))).toBe('PK3601');
    const link: FileEntry = { ...plain, path: byteString('l'), type: 'symlink', target: byteString('t'.repeat(4096)) };
    expect(await code(cpioOf(treeOf([root, link])))).toBe('PK3601');
  });

  test('a file that changes while it is read is an error', async () => {
    for (const size of [4, 6]) {
      const file: FileEntry = { ...plain, path: byteString('f'), type: 'file', size, content: 'hello' };
      for (const piece of [0, 2]) expect(await code(cpioOf(treeOf([root, file], piece)))).toBe('PK2101');
    }
  });

  test('a list that is no tree is a mistake', async () => {
    const dir = (path: string): FileEntry => ({ ...plain, path: byteString(path), type: 'dir' });
    const lists: readonly (readonly FileEntry[])[] = [
      [root, dir('b'), dir('a')],
      [root, dir('a'), dir('a')],
      [root, dir('a/b')],
      [dir('a')],
      [
        root,
        { path: byteString('a'), type: 'hardlink', target: byteString('b') },
        { ...plain, path: byteString('b'), type: 'file', size: 0, content: '' },
      ],
      [root, dir('a'), { path: byteString('b'), type: 'hardlink', target: byteString('a') }],
    ];
    for (const list of lists) await expect(cpioOf(treeOf(list))).rejects.toThrow('out of order');
  });

  test('tells whose extended attributes it leaves out', async () => {
    const xattrs = [{ name: byteString('user.a'), value: Buffer.from('1') }];
    const entries: readonly FileEntry[] = [root, { ...plain, path: byteString('f'), type: 'fifo', xattrs }];
    expect(withoutXattrs(entries)).toEqual(['f']);
    expect(await entriesOf(await cpioOf(treeOf(entries)))).toMatchObject([{}, { path: 'f', xattrs: [] }]);
  });

  test('ends when it is cancelled', async () => {
    const controller = new AbortController();
    controller.abort(new Error('stop'));
    await expect(collect(writeCpio(treeOf(zoo), {}, controller.signal))).rejects.toThrow('stop');
  });
});

test('the order of a tree is that of its names, level by level', () => {
  const names = fc.array(fc.constantFrom('a', 'b', 'a-', 'a0', 'ÿ'), { minLength: 1, maxLength: 4 });
  const path = (parts: readonly string[]): ByteString => fromBytes(Buffer.from(parts.join('/'), 'latin1'));
  fc.assert(
    fc.property(names, names, (one, other) => {
      expect(isBefore(path(one), path(other))).toBe(one.join('\0') < other.join('\0'));
    }),
  );
});

/** Not every machine has GNU cpio; CI has. */
const noCpio = spawnSync('cpio', ['--version']).status !== 0;

describe.skipIf(noCpio)('other programs', () => {
  test('GNU cpio lists what was written', async () => {
    const input = await cpioOf(treeOf(zoo));
    const env = { PATH: '/usr/bin:/bin', LC_ALL: 'C', TZ: 'UTC' };
    const listing = execFileSync('cpio', ['-itvn', '--quiet'], { input, env, stdio: 'pipe' }).toString('latin1');
    const lines = listing
      .trimEnd()
      .split('\n')
      .map((line) => line.replaceAll(/ +/g, ' '));
    expect(lines).toEqual([
      'drwxr-xr-x 2 0 0 0 Nov 14 2023 .',
      'brw-r--r-- 1 0 0 259, 1048575 Jan 1 1970 b',
      'crw------- 1 0 0 5, 1 Jan 1 1970 c',
      'drwxrwxrwt 2 3000000 7 0 Jan 1 1970 d',
      '-rwsr-xr-x 3 0 0 0 Feb 7 2106 d/f',
      '-rwsr-xr-x 3 0 0 0 Feb 7 2106 d/g',
      '-rw-r--r-- 2 0 0 0 Jan 1 1970 empty',
      '-rw-r--r-- 2 0 0 0 Jan 1 1970 empty2',
      '-rwsr-xr-x 3 0 0 5 Feb 7 2106 h',
      '-rw-r--r-- 1 0 0 3 Jan 1 1970 o\xff\xfe',
      'prw-r--r-- 1 0 0 0 Jan 1 1970 p',
      `lrwxrwxrwx 1 0 0 7 Jan 1 1970 s -> ${byteString('../ä b')}`,
      'srw-r--r-- 1 0 0 0 Jan 1 1970 t',
    ]);
  });

  test('GNU cpio unpacks what was written', async () => {
    const input = await cpioOf(treeOf(zoo.filter(({ type }) => type !== 'char' && type !== 'block' && type !== 'socket')));
    inFolder((folder) => {
      execFileSync('cpio', ['-idm', '--quiet', '--no-preserve-owner'], { cwd: folder, input, stdio: 'pipe' });
      expect(readFileSync(join(folder, 'h'), 'utf8')).toBe('hello');
      expect(lstatSync(join(folder, 'd/f')).ino).toBe(lstatSync(join(folder, 'h')).ino);
      expect(lstatSync(join(folder, 'd/f')).mode & 0o7777).toBe(0o4755);
      expect(lstatSync(join(folder, 'empty')).nlink).toBe(2);
      expect(readFileSync(Buffer.concat([Buffer.from(`${folder}/`), toBytes(raw)]), 'latin1')).toBe('\xff\0x');
      expect(readlinkSync(join(folder, 's'))).toBe('../ä b');
      expect(lstatSync(join(folder, 'p')).isFIFO()).toBe(true);
    });
  });

  test.each(['newc', 'crc'])('what GNU cpio writes as %s is read', async (format) => {
    const script = `mkdir d && printf abc >d/f && chmod 4755 d/f && ln d/f h && ln -s /etc/passwd s && mkfifo p && : >e && ln e e2
      touch -hd @7 d/f s p e d . && find . | LC_ALL=C sort | cpio -o --quiet -H ${format}`;
    const bytes = inFolder((folder) => {
      mkdirSync(join(folder, 'in'));
      writeFileSync(join(folder, 'make'), script);
      return execFileSync('sh', ['../make'], { cwd: join(folder, 'in'), stdio: ['ignore', 'pipe', 'pipe'] });
    });
    const entries = await entriesOf(bytes);
    const by = new Map(entries.map((entry) => [entry.path as string, entry]));
    expect([...by.keys()].toSorted()).toEqual(['', 'd', 'd/f', 'e', 'e2', 'h', 'p', 's']);
    expect(by.get('h')).toMatchObject({ type: 'file', mode: 0o4755, content: 'abc', mtime: { seconds: 7, nanos: 0 } });
    expect(by.get('d/f')).toEqual({ path: 'd/f', type: 'hardlink', target: 'h' });
    expect(by.get('e')).toMatchObject({ type: 'file', size: 0 });
    expect(by.get('e2')).toEqual({ path: 'e2', type: 'hardlink', target: 'e' });
    expect(by.get('s')).toMatchObject({ type: 'symlink', target: '/etc/passwd' });
    expect(by.get('p')?.type).toBe('fifo');
    if (format === 'crc') {
      const bad = Buffer.from(bytes);
      bad[bytes.indexOf('abc')] = 0x62;
      expect(await code(entriesOf(bad))).toBe('PK3301');
    }
  });
});

describe('several archives in one file', () => {
  const part = (name: string): Promise<Buffer> =>
    cpioOf(treeOf([root, { ...plain, path: byteString(name), type: 'file', size: 3, content: name.repeat(3) }]), {
      blockSize: 4,
    });
  const paths = async (...parts: readonly Buffer[]): Promise<readonly string[]> =>
    (await entriesOf(Buffer.concat(parts))).map(({ path }) => path);

  test('are read one behind the other, zeros between them, compressed or not', async () => {
    const [a, b, c] = await Promise.all([part('a'), part('b'), part('c')]);
    const zeros = Buffer.alloc(516);
    expect(await paths(a, b)).toEqual(['', 'a', '', 'b']);
    expect(await paths(a, zeros, gzipSync(b), zeros, zstdCompressSync(c), zeros)).toEqual(['', 'a', '', 'b', '', 'c']);
    expect(await paths(gzipSync(Buffer.concat([a, zeros, b])), gzipSync(c))).toEqual(['', 'a', '', 'b', '', 'c']);
    for (const pack of [gzipSync, zstdCompressSync]) expect(await paths(pack(a), b)).toEqual(['', 'a', '', 'b']);
    async function* unxz(source: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
      expect(await collect(source)).toHaveLength(6);
      yield b;
    }
    const xz = { ...cpioHelp, unxz };
    const head = Buffer.from('fd377a585a00', 'hex');
    expect(await entriesOf(Buffer.concat([a, head]), xz)).toHaveLength(4);
  });

  test('are refused where programs differ or work is endless', async () => {
    const [a, b] = await Promise.all([part('a'), part('b')]);
    const trailer = b.subarray(-124);
    expect(await code(paths(a, a))).toBe('PK3302');
    expect(await code(paths(gzipSync(gzipSync(a))))).toBe('PK3302');
    expect(await code(paths(a, Buffer.from('junk')))).toBe('PK3301');
    expect(await code(paths(gzipSync(Buffer.concat([a, Buffer.from('junk')]))))).toBe('PK3301');
    expect(await code(paths(a, gzipSync(b).subarray(0, -3)))).toBe('PK3304');
    expect(await code(paths(a, Buffer.alloc(2 ** 24 + 1)))).toBe('PK3303');
    expect(await code(paths(a, ...Array.from({ length: 101 }, () => gzipSync(trailer))))).toBe('PK3303');
    expect(await code(paths(Buffer.alloc(512)))).toBe('PK3301');
    expect(await code(paths(gzipSync('')))).toBe('PK3301');
    expect(await code(paths())).toBe('PK3301');
  });

  test('stay within their limits', async () => {
    const bytes = await cpioOf(treeOf(zoo));
    const limited = (limits: object): Promise<unknown> =>
      code(entriesOf(bytes, { ...cpioHelp, archive: { ...cpioHelp.archive, ...limits } }));
    expect(await limited({ entries: 13 })).toBe('PK3303');
    expect(await limited({ entries: 14 })).toBe('read');
    expect(await limited({ bytes: 14 })).toBe('PK3303');
    expect(await limited({ metadata: 50 })).toBe('PK3303');
    const bomb = gzipSync(Buffer.concat([await part('a'), Buffer.alloc(2 ** 20)]));
    expect(await code(entriesOf(bomb, { ...cpioHelp, limits: { bytes: 2 ** 16, ratio: 10, free: 0 } }))).toBe('PK3303');
  });
});
