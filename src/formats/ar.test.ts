import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { PortkitError } from '../base/errors.ts';
import { readAr } from './ar.ts';

const { signal } = new AbortController();

function member(
  name: string,
  content: string,
  fields: { readonly size?: string; readonly mode?: string; readonly end?: string } = {},
): string {
  const { size = String(content.length), mode = '100644', end = '`\n' } = fields;
  const head = `${name.padEnd(16)}${'0'.padEnd(12)}${'0'.padEnd(6)}${'0'.padEnd(6)}${mode.padEnd(8)}${size.padEnd(10)}${end}`;
  return `${head}${content}${content.length % 2 === 1 ? '\n' : ''}`;
}

async function* chunks(bytes: Buffer, size: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += size) yield await Promise.resolve(bytes.subarray(at, at + size));
}

async function read(archive: string | Buffer, { size = 7, skip = false } = {}): Promise<readonly string[]> {
  const found: string[] = [];
  for await (const { name, size: bytes, content } of readAr(chunks(Buffer.from(archive as string, 'latin1'), size), signal)) {
    const text = skip ? '' : Buffer.concat(await Array.fromAsync(content)).toString('latin1');
    found.push(`${name} ${bytes} ${text}`);
  }
  return found;
}

test('members are read, or passed over', async () => {
  const archive = `!<arch>\n${member('debian-binary', '2.0\n')}${member('odd/', 'abc')}${member('empty', '')}`;
  for (const size of [1, 7, 1000]) {
    expect(await read(archive, { size })).toEqual(['debian-binary 4 2.0\n', 'odd 3 abc', 'empty 0 ']);
    expect(await read(archive, { size, skip: true })).toEqual(['debian-binary 4 ', 'odd 3 ', 'empty 0 ']);
  }
  expect(await read('!<arch>\n')).toEqual([]);
});

test('what the ar program writes is read', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'portkit-ar-'));
  writeFileSync(join(folder, 'a'), 'one');
  writeFileSync(join(folder, 'b.tar.xz'), 'two2');
  execFileSync('ar', ['qcS', 'x.ar', 'a', 'b.tar.xz'], { cwd: folder });
  expect(await read(readFileSync(join(folder, 'x.ar')))).toEqual(['a 3 one', 'b.tar.xz 4 two2']);
  rmSync(folder, { recursive: true });
});

test.each([
  ['nothing', '', 'PK3301'],
  ['another beginning', '!<thin>\n', 'PK3301'],
  ['a header that is cut off', `!<arch>\n${member('a', 'x').slice(0, 30)}`, 'PK3301'],
  ['content that is cut off', `!<arch>\n${member('a', 'xx').slice(0, -1)}`, 'PK3301'],
  ['no filling', `!<arch>\n${member('a', 'x').slice(0, -1)}`, 'PK3301'],
  ['another filling', `!<arch>\n${member('a', 'x').slice(0, -1)}x`, 'PK3301'],
  ['a wrong end mark', `!<arch>\n${member('a', 'x', { end: 'xx' })}`, 'PK3301'],
  ['a negative size', `!<arch>\n${member('a', '', { size: '-1' })}`, 'PK3301'],
  ['a size in hex', `!<arch>\n${member('a', '', { size: '0x10' })}`, 'PK3301'],
  ['no size', `!<arch>\n${member('a', '', { size: '' })}`, 'PK3301'],
  ['a size beyond the end', `!<arch>\n${member('a', 'x', { size: '9999999999' })}`, 'PK3301'],
  ['garbage behind', `!<arch>\n${member('a', 'xx')}garbage`, 'PK3301'],
  ['a name with a slash', `!<arch>\n${member('a/b', 'x')}`, 'PK3302'],
  ['no name', `!<arch>\n${member('', 'x')}`, 'PK3302'],
  ['a table of long names', `!<arch>\n${member('//', 'x')}`, 'PK3302'],
  ['a name in that table', `!<arch>\n${member('/1', 'x')}`, 'PK3302'],
  ['a symbol table', `!<arch>\n${member('/', 'x')}`, 'PK3302'],
  ['a long name of BSD', `!<arch>\n${member('#1/4', 'namex')}`, 'PK3302'],
  ['a NUL byte in a name', `!<arch>\n${member('a\0', 'x')}`, 'PK3302'],
  ['a name twice', `!<arch>\n${member('a', 'x')}${member('a/', 'y')}`, 'PK3302'],
])('with %s it is refused', async (_, archive, code) => {
  await expect(read(archive)).rejects.toMatchObject({ code });
});

test('any bytes are read or refused with a code', async () => {
  const good = Buffer.from(`!<arch>\n${member('debian-binary', '2.0\n')}${member('data.tar', 'abc')}`);
  await fc.assert(
    fc.asyncProperty(fc.nat(good.length - 1), fc.nat(255), fc.boolean(), async (at, byte, cut) => {
      const bytes = Buffer.from(good);
      bytes[at] = byte;
      const outcome = await read(cut ? bytes.subarray(0, at) : bytes).catch((error: unknown) => error);
      expect(Array.isArray(outcome) || (outcome instanceof PortkitError && /^PK330[12]$/.test(outcome.code))).toBe(true);
    }),
    { numRuns: 500 },
  );
});
