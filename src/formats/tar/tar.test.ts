import { execFileSync } from 'node:child_process';
import { lstatSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import type { BigIntStats } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { byteString, fromBytes, toBytes } from '../../base/byte-string.ts';
import type { ByteString } from '../../base/byte-string.ts';
import { PortkitError } from '../../base/errors.ts';
import { defaultTarLimits } from './entry.ts';
import type { TarBody, TarEntry } from './entry.ts';
import { checksum } from './header.ts';
import { readTar } from './read.ts';
import type { TarRules } from './read.ts';
import { writeTar } from './write.ts';

const signal = new AbortController().signal;
const plain = { mode: 0o644, uid: 0, gid: 0, mtime: { seconds: 0, nanos: 0 }, xattrs: [] };

// oxlint-disable-next-line require-await -- a stream
async function* chunks(bytes: Uint8Array, size = bytes.length): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

async function collect(stream: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const parts: Uint8Array[] = [];
  for await (const part of stream) parts.push(part);
  return Buffer.concat(parts);
}

/** An entry whose content was read. */
type Whole = Omit<TarEntry, 'content'> & { readonly bytes?: Buffer };

async function read(bytes: Uint8Array, rules: Partial<TarRules> = {}, size?: number): Promise<readonly Whole[]> {
  const entries: Whole[] = [];
  for await (const entry of readTar(chunks(bytes, size), { ...defaultTarLimits, ...rules }, signal)) {
    if (entry.type === 'file') {
      const { content, ...rest } = entry;
      entries.push({ ...rest, bytes: await collect(content) });
    } else entries.push(entry);
  }
  return entries;
}

function write(entries: readonly TarEntry[]): Promise<Buffer> {
  return collect(writeTar(entries, signal));
}

function entry(path: string, body: TarBody = { type: 'dir' }): TarEntry {
  return { ...plain, path: byteString(path), ...body };
}

function file(path: string, text = ''): TarEntry {
  return entry(path, { type: 'file', size: Buffer.byteLength(text), content: chunks(Buffer.from(text)) });
}

function codeOf(error: unknown): string {
  if (error instanceof PortkitError) return error.code;
  throw error;
}

/** One raw header with the content behind it, as hostile as the fields say. */
function raw(fields: Record<number, string | Buffer>, content = ''): Buffer {
  const block = Buffer.alloc(512);
  block.write('ustar\x0000', 257, 'latin1');
  block.write('0000644\0', 100);
  block.write(`${Buffer.byteLength(content, 'latin1').toString(8).padStart(11, '0')}\0`, 124);
  block.write('0', 156);
  for (const [at, value] of Object.entries(fields)) Buffer.from(value as string, 'latin1').copy(block, Number(at));
  if (fields[148] === undefined) block.write(`${checksum(block).toString(8).padStart(6, '0')}\0 `, 148);
  const padded = Buffer.alloc(Math.ceil(content.length / 512) * 512);
  padded.write(content, 'latin1');
  return Buffer.concat([block, padded]);
}

const end = Buffer.alloc(1024);
function pax(...records: readonly string[]): Buffer {
  const body = records.map((text) => {
    let length = text.length + 3;
    while (`${length} ${text}\n`.length !== length) length++;
    return `${length} ${text}\n`;
  });
  return raw({ 0: 'pax', 156: 'x' }, body.join(''));
}
const plainFile = (name: string): Buffer => raw({ 0: name }, 'x');
const link = (name: string, target: string, type = '1'): Buffer => raw({ 0: name, 156: type, 157: target });

const hostile: Record<string, readonly [code: string, ...parts: readonly Buffer[]]> = {
  'an absolute path': ['PK3302', plainFile('/etc/passwd'), end],
  'a path upwards': ['PK3302', plainFile('a/../../x'), end],
  'a path upwards by pax': ['PK3302', pax('path=../x'), plainFile('x'), end],
  'a path upwards by the prefix': ['PK3302', raw({ 0: 'x', 345: '..' }), end],
  'a path upwards by a long GNU name': ['PK3302', raw({ 0: 'L', 156: 'L' }, '../x\0'), plainFile('x'), end],
  'an empty path': ['PK3302', plainFile(''), end],
  'an empty name': ['PK3302', plainFile('a//b'), end],
  'a name of 256 bytes': ['PK3302', pax(`path=${'a'.repeat(256)}`), plainFile('x'), end],
  'a path of 4096 bytes': ['PK3302', pax(`path=${'a/'.repeat(2048)}`), plainFile('x'), end],
  'a path of 257 names': ['PK3302', pax(`path=${'a/'.repeat(256)}b`), plainFile('x'), end],
  'a NUL in a pax path': ['PK3301', pax('path=a\0b'), plainFile('x'), end],
  'text behind the NUL of a name': ['PK3301', raw({ 0: 'a\0b' }), end],
  'a NUL in a long GNU name': ['PK3301', raw({ 0: 'L', 156: 'L' }, 'a\0b\0'), plainFile('x'), end],
  'a file twice': ['PK3302', plainFile('a'), plainFile('a'), end],
  'a file twice, once with ./': ['PK3302', plainFile('a'), plainFile('./a'), end],
  'a directory, then a file': ['PK3302', raw({ 0: 'a', 156: '5' }), plainFile('a'), end],
  'an implied directory, then a symlink': ['PK3302', plainFile('a/b'), link('a', '/etc', '2'), end],
  'a path through a symlink': ['PK3302', link('a', '/etc', '2'), plainFile('a/passwd'), end],
  'a path through a file': ['PK3302', plainFile('a'), plainFile('a/b'), end],
  'the root as a file': ['PK3302', plainFile('.'), end],
  'a file with a slash at its end': ['PK3301', plainFile('a/'), end],
  'a hard link to nothing': ['PK3302', link('a', 'b'), end],
  'a hard link out of the archive': ['PK3302', link('a', '../b'), end],
  'an absolute hard link': ['PK3302', link('a', '/etc/passwd'), end],
  'a hard link to a directory': ['PK3302', raw({ 0: 'b', 156: '5' }), link('a', 'b'), end],
  'a hard link to a symlink': ['PK3302', link('b', '/etc/passwd', '2'), link('a', 'b'), end],
  'a symlink without a target': ['PK3301', link('a', '', '2'), end],
  'a directory with the target of a link': ['PK3301', link('a', 'b', '5'), end],
  'a directory with a size': ['PK3301', raw({ 0: 'a', 156: '5' }, 'x'), end],
  'a hard link with a pax size': ['PK3301', plainFile('b'), pax('size=1'), link('a', 'b'), end],
  'a sparse file': ['PK3302', raw({ 0: 'a', 156: 'S' }, 'x'), end],
  'a sparse file by pax': ['PK3302', pax('GNU.sparse.major=1'), plainFile('a'), end],
  'a volume label': ['PK3302', raw({ 0: 'a', 156: 'V' }), end],
  'a negative size': ['PK3301', raw({ 0: 'a', 124: Buffer.alloc(12, 0xff) }), end],
  'a huge size': ['PK3301', raw({ 0: 'a', 124: Buffer.concat([Buffer.from([0x80]), Buffer.alloc(11, 0xff)]) }), end],
  'a size that is no octal': ['PK3301', raw({ 0: 'a', 124: '0x10' }), end],
  'a negative pax size': ['PK3301', pax('size=-1'), plainFile('a'), end],
  'an owner beyond 32 bits': ['PK3301', pax('uid=4294967296'), plainFile('a'), end],
  'a wrong checksum': ['PK3301', raw({ 0: 'a', 148: '0000001\0' }), end],
  'a device in the oldest form': ['PK3301', raw({ 0: 'a', 156: '3', 257: '\0'.repeat(8) }), end],
  'another format': ['PK3301', raw({ 0: 'a', 257: 'nothing!' }), end],
  'a pax record that is too long': ['PK3301', raw({ 0: 'p', 156: 'x' }, '99 path=a\n'), plainFile('a'), end],
  'a pax record without a line end': ['PK3301', raw({ 0: 'p', 156: 'x' }, '9 path=aa'), plainFile('a'), end],
  'a pax record without a key': ['PK3301', raw({ 0: 'p', 156: 'x' }, '6 =aa\n'), plainFile('a'), end],
  'a pax key twice': ['PK3301', pax('path=a', 'path=b'), plainFile('a'), end],
  'an empty pax path': ['PK3301', pax('path='), plainFile('a'), end],
  'a malformed pax time': ['PK3301', pax('mtime=1e9'), plainFile('a'), end],
  'two pax headers': ['PK3301', pax('path=a'), pax('path=b'), plainFile('x'), end],
  'a pax header and a long GNU name': ['PK3301', pax('path=a'), raw({ 0: 'L', 156: 'L' }, 'b\0'), plainFile('x'), end],
  'a pax header for nothing': ['PK3301', pax('path=a'), end],
  'a global header that names entries': ['PK3302', raw({ 0: 'g', 156: 'g' }, '10 path=a\n'), plainFile('x'), end],
  'an extended header beyond 1 MiB': ['PK3303', raw({ 0: 'x', 156: 'x', 124: '00040000000\0' }), end],
  'no end mark': ['PK3301', plainFile('a')],
  'half an end mark': ['PK3301', plainFile('a'), Buffer.alloc(512)],
  'an end in the middle of a header': ['PK3301', plainFile('a').subarray(0, 511)],
  'an end in the middle of a file': ['PK3301', plainFile('a').subarray(0, 512)],
  'an end in the padding': ['PK3301', plainFile('a').subarray(0, 600)],
  'an end in an extended header': ['PK3301', pax('path=a').subarray(0, 700)],
  'nothing at all': ['PK3301'],
  'an entry behind the end mark': ['PK3301', plainFile('a'), end, plainFile('b'), end],
  'garbage behind the end mark': ['PK3301', plainFile('a'), end, Buffer.from('x')],
};

describe('a hostile archive', () => {
  test.each(Object.entries(hostile))('is refused: %s', async (_, [code, ...parts]) => {
    for (const size of [undefined, 100]) {
      expect(await read(Buffer.concat(parts), {}, size).then(() => 'read', codeOf)).toBe(code);
    }
  });

  test('the same pieces without the fault are read', async () => {
    const bytes = Buffer.concat([
      raw({ 0: 'pax_global_header', 156: 'g' }, '52 comment=0123456789012345678901234567890123456789\n'),
      raw({ 0: './', 156: '5' }),
      raw({ 0: 'a/', 156: '5' }),
      raw({ 0: 'a', 156: '5', 100: '0100700\0' }),
      plainFile('./a/b'),
      link('c', 'a/./b'),
      link('d', 'c'),
      link('s', '../../outside', '2'),
      raw({ 0: 'old/', 156: '\0', 257: '\0'.repeat(8) }),
      raw({ 0: 'L', 156: 'L', 257: 'ustar  \0' }, 'long\0'),
      raw({ 0: 'x', 257: 'ustar  \0', 345: 'not a prefix' }),
      raw({ 0: 'd0', 156: '4', 329: '0000010\0', 337: '0000001\0' }),
      pax('mtime=-1.25', 'uid=70000', 'SCHILY.xattr.user.a%3D=\0\xff', 'atime=1', 'path=p\xfcth'),
      plainFile('x'),
      end,
      Buffer.alloc(4096),
    ]);
    const entries = await read(bytes, {}, 77);
    expect(entries.map(({ path, type }) => `${path}:${type}`)).toEqual([
      ':dir',
      'a:dir',
      'a:dir',
      'a/b:file',
      'c:hardlink',
      'd:hardlink',
      's:symlink',
      'old:dir',
      'long:file',
      'd0:block',
      'p\xfcth:file',
    ]);
    expect(entries[2]?.mode).toBe(0o700);
    expect(entries[4]).toMatchObject({ target: 'a/b' });
    expect(entries[6]).toMatchObject({ target: '../../outside' });
    expect(entries[9]).toMatchObject({ major: 8, minor: 1 });
    expect(entries[10]).toMatchObject({
      mtime: { seconds: -2, nanos: 750_000_000 },
      uid: 70_000,
      xattrs: [{ name: 'user.a=', value: Buffer.from([0, 255]) }],
      bytes: Buffer.from('x'),
    });
  });

  test('is stopped at its limits', async () => {
    const bytes = Buffer.concat([plainFile('a/b/c'), plainFile('d'), end]);
    expect(await read(bytes, { entries: 4, bytes: 2, metadata: 6 })).toHaveLength(2);
    for (const less of [{ entries: 3 }, { bytes: 1 }, { metadata: 5 }]) {
      expect(await read(bytes, less).then(() => 'read', codeOf)).toBe('PK3303');
    }
    const manyExtensions = Buffer.concat([pax(`comment=${'x'.repeat(1000)}`), plainFile('a'), end]);
    expect(await read(manyExtensions, { metadata: 1000 }).then(() => 'read', codeOf)).toBe('PK3303');
  });

  test('never does anything but refuse or be read, whatever bytes are changed', async () => {
    const good = Buffer.concat([
      pax('mtime=1.5', 'path=a/long', 'SCHILY.xattr.user.a=b'),
      plainFile('x'),
      link('b', 'a/long'),
      raw({ 0: 'L', 156: 'L' }, 'name\0'),
      raw({ 0: 'd', 156: '5' }),
      end,
    ]);
    const headers = [0, 1024, 2048, 2560, 3584];
    const change = fc.tuple(fc.nat(good.length - 1), fc.nat(255));
    let refusals = 0;
    await fc.assert(
      fc.asyncProperty(fc.array(change, { minLength: 1, maxLength: 4 }), fc.boolean(), async (changes, mend) => {
        const bytes = Buffer.from(good);
        for (const [at, value] of changes) bytes[at] = value;
        for (const at of mend ? headers : []) {
          const block = bytes.subarray(at, at + 512);
          block.write(`${checksum(block).toString(8).padStart(6, '0')}\0 `, 148);
        }
        const code = await read(bytes).then(() => 'read', codeOf);
        expect(code).toMatch(/^(?:read|PK330[123])$/);
        if (code !== 'read') refusals++;
      }),
      { numRuns: 3000 },
    );
    expect(refusals).toBeGreaterThan(300);
  });
});

describe('reading', () => {
  test('passes over what nobody read, and refuses to read it late', async () => {
    const late: AsyncIterable<Uint8Array>[] = [];
    const seen: string[] = [];
    const bytes = await write([file('a', 'x'.repeat(2000)), file('b', 'y')]);
    for await (const one of readTar(chunks(bytes, 300), defaultTarLimits, signal)) {
      seen.push(one.path);
      if (one.type === 'file') late.push(one.content);
    }
    expect(seen).toEqual(['a', 'b']);
    await expect(collect(late[0] ?? chunks(Buffer.alloc(0)))).resolves.toHaveLength(0);
  });

  test('lets hard links lead out of a layer only when asked', async () => {
    const bytes = Buffer.concat([link('a', 'lower/file'), end]);
    expect(await read(bytes, { openLinks: true })).toMatchObject([{ type: 'hardlink', target: 'lower/file' }]);
    const through = Buffer.concat([link('d', '/etc', '2'), link('a', 'd'), end]);
    await expect(read(through, { openLinks: true })).rejects.toMatchObject({ code: 'PK3302' });
  });

  test('stops when it is cancelled, and gives its source back', async () => {
    const controller = new AbortController();
    let returned = false;
    async function* source(): AsyncGenerator<Uint8Array> {
      try {
        yield* chunks(await write([file('a', 'x'), file('b', 'y')]), 512);
      } finally {
        returned = true;
      }
    }
    const reading = (async () => {
      for await (const one of readTar(source(), defaultTarLimits, controller.signal)) {
        expect(one.path).toBe('a');
        controller.abort(new PortkitError('PK9001', 'Cancelled'));
      }
    })();
    await expect(reading).rejects.toMatchObject({ code: 'PK9001' });
    expect(returned).toBe(true);
  });
});

const names = fc
  .oneof(fc.uint8Array({ minLength: 1, maxLength: 120 }).map(fromBytes), fc.constantFrom('a', 'b', 'ü').map(byteString))
  .filter((name) => !/[/\0]/.test(name) && name !== '.' && name !== '..');
const u32 = fc.oneof(fc.nat(5000), fc.integer({ min: 0, max: 0xffffffff }));
const bodies = fc.oneof(
  fc.uint8Array({ maxLength: 1500 }).map((bytes) => ({ type: 'file' as const, size: bytes.length, bytes: Buffer.from(bytes) })),
  fc.record({ type: fc.constantFrom('dir' as const, 'fifo' as const) }),
  fc.record({ type: fc.constant('symlink' as const), target: fc.oneof(names, fc.constant(byteString('x'.repeat(300)))) }),
  fc.record({ type: fc.constantFrom('char' as const, 'block' as const), major: u32, minor: u32 }),
);
const attributes = fc.record({
  mode: fc.integer({ min: 0, max: 0o7777 }),
  uid: u32,
  gid: u32,
  mtime: fc.record({
    seconds: fc.oneof(
      fc.integer(),
      fc.maxSafeInteger().filter((value) => value > Number.MIN_SAFE_INTEGER),
    ),
    nanos: fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 999_999_999 })),
  }),
  xattrs: fc
    .uniqueArray(fc.record({ name: names, value: fc.uint8Array().map((value) => Buffer.from(value)) }), {
      selector: (one) => one.name,
      maxLength: 3,
    })
    .map((list) => list.toSorted((a, b) => (a.name < b.name ? -1 : 1))),
});
/** Entries in the order of a tree; only the last name of a path may be no directory. */
const lists = fc
  .uniqueArray(fc.tuple(fc.array(names, { maxLength: 3 }), names, bodies, attributes), {
    selector: ([parents, name]) => [...parents, name].join('/'),
    maxLength: 8,
  })
  .map((list) => {
    const all = list.map(([parents, name, body, own]) => ({ ...own, ...body, path: [...parents, name].join('/') as ByteString }));
    return all
      .filter((one) => one.type === 'dir' || !all.some((other) => other.path.startsWith(`${one.path}/`)))
      .toSorted((a, b) => (a.path.replaceAll('/', '\0') < b.path.replaceAll('/', '\0') ? -1 : 1));
  });

describe('writing', () => {
  test('gives what reading takes, for any entries', async () => {
    await fc.assert(
      fc.asyncProperty(lists, fc.integer({ min: 1, max: 2000 }), async (list, size) => {
        const bytes = await write(list.map((one) => (one.type === 'file' ? { ...one, content: chunks(one.bytes, 700) } : one)));
        expect(bytes.length % 512).toBe(0);
        expect(await read(bytes, {}, size)).toEqual(list);
      }),
      { numRuns: 300 },
    );
  });

  test('uses pax only where ustar cannot say it', async () => {
    const long = `${'d'.repeat(150)}/${'f'.repeat(100)}`;
    expect(await write([{ ...file('a', 'x'), uid: 0o7777777 }, file(long)])).toHaveLength(512 * 5);
    for (const extra of [
      { uid: 0o10000000 },
      { mtime: { seconds: 0, nanos: 1 } },
      { mtime: { seconds: -1, nanos: 0 } },
      { path: byteString('f'.repeat(101)) },
    ]) {
      expect(await write([{ ...file('a'), ...extra }])).toHaveLength(512 * 5);
    }
  });

  test('refuses disorder and files of another size', async () => {
    await expect(write([entry('a'), entry('b'), entry('a')])).rejects.toThrow('out of order');
    await expect(write([entry('a'), entry('a/b'), file('a-b')])).resolves.toBeInstanceOf(Buffer);
    await expect(write([entry('a'), file('a-b'), entry('a/b')])).rejects.toThrow('out of order');
    await expect(write([{ ...file('a', 'xy'), size: 1 } as TarEntry])).rejects.toThrow('2 bytes, not 1');
    await expect(write([{ ...file('a', 'xy'), size: 3 } as TarEntry])).rejects.toThrow('2 bytes, not 3');
  });
});

describe('other programs', () => {
  const deep = `${'d'.repeat(120)}/${'e'.repeat(120)}`;
  const oddName = fromBytes(Buffer.from([0x6f, 0xff, 0xfe]));
  const oddLong = fromBytes(Buffer.concat([Buffer.from('long'), Buffer.alloc(150, 0xfe)]));
  const made = (): readonly TarEntry[] =>
    [
      entry(''),
      { ...entry('d'), mode: 0o1777, mtime: { seconds: 1_700_000_000, nanos: 123_456_789 } },
      entry('d'.repeat(120)),
      file(deep, 'deep'),
      { ...file('f', 'x'.repeat(513)), mode: 0o4755, uid: 3_000_000, gid: 7 },
      entry('h', { type: 'hardlink', target: byteString('f') }),
      { ...file(''), path: oddLong },
      { ...file('', 'odd'), path: oddName, size: 3, content: chunks(Buffer.from('odd')) } as TarEntry,
      entry('p', { type: 'fifo' }),
      entry('s', { type: 'symlink', target: byteString(`../${'t'.repeat(200)}`) }),
      { ...file('x'), xattrs: [{ name: byteString('user.a=b'), value: Buffer.from('v\xff', 'latin1') }] },
      entry('ü', { type: 'symlink', target: byteString('ü') }),
    ].toSorted((a, b) => (a.path.replaceAll('/', '\0') < b.path.replaceAll('/', '\0') ? -1 : 1));

  function inFolder(work: (folder: string) => void): void {
    const folder = mkdtempSync(join(tmpdir(), 'portkit-tar-'));
    try {
      work(folder);
    } finally {
      rmSync(folder, { recursive: true });
    }
  }

  test('GNU tar lists what was written', async () => {
    const bytes = await write(made());
    inFolder((folder) => {
      writeFileSync(join(folder, 'a.tar'), bytes);
      const command = ['-tvf', 'a.tar', '--full-time', '--utc', '--numeric-owner', '--quoting-style=escape'];
      const listing = execFileSync('tar', command, { cwd: folder, env: { PATH: '/usr/bin:/bin', LC_ALL: 'C' }, stdio: 'pipe' });
      const lines = listing
        .toString('latin1')
        .trimEnd()
        .split('\n')
        .map((line) => line.replaceAll(/ +/g, ' '));
      expect(lines).toHaveLength(made().length);
      expect(lines).toContain('drw-r--r-- 0/0 0 1970-01-01 00:00:00 ./');
      expect(lines).toContain('drwxrwxrwt 0/0 0 2023-11-14 22:13:20.123456789 d/');
      expect(lines).toContain('-rwsr-xr-x 3000000/7 513 1970-01-01 00:00:00 f');
      expect(lines).toContain('hrw-r--r-- 0/0 0 1970-01-01 00:00:00 h link to f');
      expect(lines).toContain(`lrw-r--r-- 0/0 0 1970-01-01 00:00:00 s -> ../${'t'.repeat(200)}`);
      expect(lines.join('\n')).toContain('o\\377\\376');
    });
  });

  test('GNU tar unpacks what was written', async () => {
    const list = made().map((one) => (one.type === 'dir' && one.path !== 'd' ? { ...one, mode: 0o755 } : one));
    const bytes = await write(list);
    inFolder((folder) => {
      writeFileSync(join(folder, 'a.tar'), bytes);
      mkdirSync(join(folder, 'out'));
      execFileSync('tar', ['-xpf', '../a.tar', '--no-same-owner'], { cwd: join(folder, 'out'), stdio: 'pipe' });
      const at = (path: ByteString): BigIntStats =>
        lstatSync(Buffer.concat([Buffer.from(`${folder}/out/`), toBytes(path)]), { bigint: true });
      for (const one of list) {
        if (one.type === 'hardlink' || one.type === 'symlink') continue;
        const { mode, mtimeNs } = at(one.path);
        expect(Number(mode & 0o7777n)).toBe(one.mode);
        expect(mtimeNs).toBe(BigInt(one.mtime.seconds) * 1_000_000_000n + BigInt(one.mtime.nanos));
      }
      expect(at(byteString('h')).ino).toBe(at(byteString('f')).ino);
      expect(readFileSync(join(folder, 'out', deep), 'utf8')).toBe('deep');
    });
  });

  test('python reads what was written', async () => {
    const bytes = await write(made());
    inFolder((folder) => {
      writeFileSync(join(folder, 'a.tar'), bytes);
      const program = `
import tarfile, json, os
with tarfile.open('a.tar') as t:
    print(json.dumps([[os.fsencode(m.name).hex(), m.type.decode(), m.mode, m.uid, m.gid, m.size, m.mtime, os.fsencode(m.linkname).hex(), m.uname] for m in t]))`;
      const rows: unknown = JSON.parse(execFileSync('python3', ['-c', program], { cwd: folder, encoding: 'utf8' }));
      const types = { file: '0', hardlink: '1', symlink: '2', char: '3', block: '4', dir: '5', fifo: '6' };
      const hex = (name: ByteString): string => toBytes(name).toString('hex');
      expect(rows).toEqual(
        made().map((one) => [
          one.path === '' ? hex(byteString('.')) : hex(one.path),
          types[one.type],
          one.mode,
          one.uid,
          one.gid,
          one.type === 'file' ? one.size : 0,
          expect.closeTo(one.mtime.seconds + one.mtime.nanos / 1e9, 3),
          'target' in one ? hex(one.target) : '',
          '',
        ]),
      );
    });
  });

  test.each(['gnu', 'pax', 'ustar', 'v7'])('what GNU tar writes as %s is read', async (format) => {
    const folder = mkdtempSync(join(tmpdir(), 'portkit-tar-'));
    try {
      const script = `mkdir -p in/d && cd in && printf abc > f && chmod 4755 f && ln f h && ln -s /etc/passwd s ${format === 'v7' ? '' : '&& mkfifo d/p'}
        ${format === 'ustar' || format === 'v7' ? '' : `touch ${'n'.repeat(140)}; ln -s ${'t'.repeat(140)} l`}
        touch "$(printf 'o\\377')"; tar --format=${format} --sort=name --mtime=@1.5 --owner=7 --group=8 -cf ../a.tar .`;
      execFileSync('sh', ['-c', script], { cwd: folder, stdio: 'ignore' });
      const entries = await read(readFileSync(join(folder, 'a.tar')));
      const by = new Map(entries.map((one) => [one.path as string, one]));
      expect(by.get('f')).toMatchObject({ type: 'file', mode: 0o4755, uid: 7, gid: 8, bytes: Buffer.from('abc') });
      expect(by.get('f')?.mtime).toEqual({ seconds: 1, nanos: format === 'pax' ? 500_000_000 : 0 });
      expect(by.get('h')).toMatchObject({ type: 'hardlink', target: 'f' });
      expect(by.get('s')).toMatchObject({ type: 'symlink', target: '/etc/passwd' });
      expect(by.get('d')?.type).toBe('dir');
      expect(by.get('d/p')?.type).toBe(format === 'v7' ? undefined : 'fifo');
      expect(by.get('o\xff')?.type).toBe('file');
      if (format !== 'ustar' && format !== 'v7') {
        expect(by.get('n'.repeat(140))?.type).toBe('file');
        expect(by.get('l')).toMatchObject({ target: 't'.repeat(140) });
      }
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});
