import { execFileSync } from 'node:child_process';
import {
  linkSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { exportAll } from '../../src/artifacts/export.ts';
import type { Exporter, Target } from '../../src/artifacts/exporter.ts';
import { digestOf } from '../../src/base/digest.ts';
import { PortkitError } from '../../src/base/errors.ts';
import { shown, signal, startResults } from '../../test/exporters/results.ts';
import type { Results } from '../../test/exporters/results.ts';
import { tarExporter } from './index.ts';

let folder: string;
let dest: string;
let results: Results;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'portkit-tar-'));
  dest = join(folder, 'out.tar');
  results = startResults();
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const writeOut = (): Promise<void> => Promise.reject(Object.assign(new Error('closed'), { code: 'EPIPE' }));

function exporter(src: readonly string[] = [], to = dest): Exporter {
  return tarExporter({ dest: to, src, target: [] }, { writeOut });
}

async function publish(targets: readonly Target[], src: readonly string[] = []): ReturnType<typeof exportAll> {
  return await exportAll([exporter(src)], targets, { blobs: results.blobs, signal });
}

const everything = {
  'bin/tool': { text: 'tool', mode: 0o4755, uid: 12, gid: 34 },
  'bin/also': { like: 'bin/tool' },
  'dev/null': { device: [1, 3] },
  'etc-d/x': { text: '' },
  'etc/link': { to: '../bin/tool' },
  'etc.d': { directory: 0o700 },
} as const;

function listed(): readonly string[] {
  const lines = execFileSync('tar', ['--numeric-owner', '-tvf', dest], { encoding: 'utf8' }).trimEnd().split('\n');
  return lines.map((line) => line.replace(/ +\d{4}-\d\d-\d\d \d\d:\d\d/, '').replaceAll(/ +/g, ' '));
}

test('keeps what a directory cannot: owners, devices, set-user-id bits', async () => {
  await publish([await results.tree('root', everything as never)]);
  expect(listed()).toEqual([
    'drwxr-xr-x 0/0 0 ./',
    'drwxr-xr-x 0/0 0 bin/',
    '-rwsr-xr-x 12/34 4 bin/also',
    'hrwsr-xr-x 12/34 0 bin/tool link to bin/also',
    'drwxr-xr-x 0/0 0 dev/',
    'crw-r--r-- 0/0 1,3 dev/null',
    'drwxr-xr-x 0/0 0 etc/',
    'lrwxrwxrwx 0/0 0 etc/link -> ../bin/tool',
    'drwxr-xr-x 0/0 0 etc-d/',
    '-rw-r--r-- 0/0 0 etc-d/x',
    'drwx------ 0/0 0 etc.d/',
  ]);
});

test('is one tar of its targets, in whatever order they come, and picks', async () => {
  const targets = [
    await results.blob('k/kernel', 'k'),
    await results.tree('k-x', everything as never),
    await results.blob('k/initrd', 'i'),
  ];
  await publish(targets);
  const first = digestOf(readFileSync(dest));
  rmSync(dest);
  await publish(targets.toReversed());
  expect(digestOf(readFileSync(dest))).toBe(first);
  await publish(targets, ['k', 'k-x/bin/tool']);
  expect(listed()).toEqual([
    'drwxr-xr-x 0/0 0 k/',
    '-rw-r--r-- 0/0 1 k/initrd',
    '-rw-r--r-- 0/0 1 k/kernel',
    'drwxr-xr-x 0/0 0 k-x/',
    'drwxr-xr-x 0/0 0 k-x/bin/',
    '-rwsr-xr-x 12/34 4 k-x/bin/tool',
  ]);
});

test('a file that has these bytes is not touched; others are replaced, not written through', async () => {
  const one = [await results.blob('a', '1')];
  await publish(one);
  const { ino, mtimeNs } = lstatSync(dest, { bigint: true });
  expect(await publish(one)).toMatchObject([{ written: 0, unchanged: 1 }]);
  expect(lstatSync(dest, { bigint: true })).toMatchObject({ ino, mtimeNs });
  linkSync(dest, join(folder, 'precious'));
  const before = readFileSync(dest);
  expect(await publish([await results.blob('a', '2')])).toMatchObject([{ written: 1, unchanged: 0 }]);
  expect(readFileSync(join(folder, 'precious')).equals(before)).toBe(true);
  expect(readdirSync(folder)).toEqual(['out.tar', 'precious']);
});

test('a destination that is a link to a file: the file is replaced and the link stays', async () => {
  mkdirSync(join(folder, 'real'));
  writeFileSync(join(folder, 'real/x.tar'), 'old');
  symlinkSync('real/x.tar', dest);
  exporter().check([]);
  await publish([await results.blob('a', '1')]);
  expect(shown(folder)).toEqual(['out.tar -> real/x.tar', 'real/ 755', 'real/x.tar 644 (2048)']);
});

test('a directory that appeared at the destination is refused and left alone', async () => {
  using prepared = await exporter().prepare([await results.blob('a', '1')], { blobs: results.blobs, signal });
  mkdirSync(dest);
  await expect(prepared.publish(signal)).rejects.toMatchObject({ code: 'PK3404' });
  prepared[Symbol.dispose]();
  expect(shown(folder)).toEqual(['out.tar/ 755']);
});

test('a stream that is closed is an error that says what was written before', async () => {
  const all = [exporter(), exporter([], '-')];
  const error: unknown = await exportAll(all, [await results.blob('a', '1')], { blobs: results.blobs, signal }).catch(
    (e: unknown) => e,
  );
  if (!(error instanceof PortkitError)) throw error;
  expect(error.code).toBe('PK3406');
  expect(error.hint).toContain(`Written before that: tar ${dest}`);
});

test('a path that no system takes is refused', async () => {
  const long = Array.from({ length: 20 }, () => 'x'.repeat(200)).join('/');
  await expect(publish([await results.tree('root', { [long]: { text: '' } })])).rejects.toMatchObject({ code: 'PK3405' });
  expect(readdirSync(folder)).toEqual([]);
});
