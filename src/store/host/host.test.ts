import { execFileSync, spawn } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  linkSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { byteString } from '../../base/byte-string.ts';
import { openStore } from '../open.ts';
import type { Store } from '../store.ts';
import { decodeNode } from '../trees/decode.ts';
import { encodeNode } from '../trees/encode.ts';
import type { Entry } from '../trees/node.ts';
import { checkout } from './checkout.ts';
import { snapshot } from './snapshot.ts';

const { signal } = new AbortController();
let folder: string;
let source: string;
let store: Store;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'portkit-host-'));
  source = join(folder, 'source');
  mkdirSync(source);
  store = openStore(join(folder, 'store'), { now: () => 1 });
});

afterEach(async () => {
  await store[Symbol.asyncDispose]();
  rmSync(folder, { recursive: true, force: true });
});

function fill(): void {
  mkdirSync(join(source, 'a/b'), { recursive: true });
  writeFileSync(join(source, 'a/small'), 'small');
  writeFileSync(join(source, 'a/b/large'), Buffer.alloc(3_000_000, 7));
  writeFileSync(Buffer.concat([Buffer.from(`${source}/`), Buffer.from([0xff, 0x41])]), 'not UTF-8');
  chmodSync(join(source, 'a/small'), 0o751);
  symlinkSync('../nowhere', join(source, 'a/link'));
  linkSync(join(source, 'a/small'), join(source, 'a/b/other'));
  linkSync(join(source, 'a/small'), join(source, 'again'));
  writeFileSync(join(source, 'a/b/x'), 'x');
  linkSync(join(source, 'a/b/x'), join(source, 'a/b/y'));
  chmodSync(join(source, 'a/b'), 0o555);
}

test('a tree comes back from a checkout as it was taken', async () => {
  fill();
  const first = await snapshot(source, store, { signal });
  const out = join(folder, 'out');
  const made = await checkout(first.tree, out, { blobs: store.blobs, signal });
  expect(made).toEqual({ files: first.files, bytes: first.bytes, skipped: [] });
  expect((await snapshot(out, store, { signal })).tree).toBe(first.tree);
  expect(statSync(join(out, 'a/small')).ino).toBe(statSync(join(out, 'again')).ino);
  expect(statSync(join(out, 'a/b/x')).ino).toBe(statSync(join(out, 'a/b/y')).ino);
  expect(statSync(join(out, 'a/b')).mode & 0o777).toBe(0o555);
  writeFileSync(join(out, 'a/b/large'), 'scribbled');
  expect((await store.verify({}, signal)).findings).toEqual([]);
});

test('the store holds what a tree leads to, and collects the rest', async () => {
  fill();
  const { tree } = await snapshot(source, store, { signal });
  store.tags.set('tree', { kind: 'tree', digest: tree });
  writeFileSync(join(source, 'more'), 'more');
  await snapshot(source, store, { signal });
  await store[Symbol.asyncDispose]();
  store = openStore(join(folder, 'store'), { now: () => 1 });
  expect((await store.collect({ maxSize: 0 }, signal)).blobs).toBe(2);
  await checkout(tree, join(folder, 'out'), { blobs: store.blobs, signal });
  expect(readFileSync(join(folder, 'out/a/b/other'), 'utf8')).toBe('small');
});

test('links stand at their lowest common directory, so a subtree is the same alone', async () => {
  fill();
  rmSync(join(source, 'again'));
  const whole = await snapshot(source, store, { signal });
  const alone = await snapshot(join(source, 'a'), store, { signal });
  const root = decodeNode(store.blobs.get(whole.tree) ?? new Uint8Array(), 'root');
  expect(root.entries.find((entry) => entry.name === 'a')).toMatchObject({ node: alone.tree });
  expect(root.links).toEqual([]);
});

test('portable modes and dropped times make another checkout the same tree', async () => {
  fill();
  const one = await snapshot(source, store, { signal, modes: 'portable' });
  chmodSync(join(source, 'a/small'), 0o700);
  execFileSync('touch', [join(source, 'a/small')]);
  expect((await snapshot(source, store, { signal, modes: 'portable' })).tree).toBe(one.tree);
  expect((await snapshot(source, store, { signal })).tree).not.toBe(one.tree);
  expect((await snapshot(source, store, { signal, times: 'keep' })).tree).not.toBe(one.tree);
});

test('a FIFO does not block and is an entry; a socket is an error that names it', async () => {
  execFileSync('mkfifo', [join(source, 'fifo')]);
  const { tree } = await snapshot(source, store, { signal });
  expect(await checkout(tree, join(folder, 'out'), { blobs: store.blobs, signal })).toMatchObject({
    skipped: [join(folder, 'out/fifo')],
  });
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(join(source, 'socket'), resolve));
  await expect(snapshot(source, store, { signal })).rejects.toMatchObject({
    code: 'PK2102',
    message: expect.stringContaining('socket'),
  });
  server.close();
});

test('a directory that is swapped for a link to elsewhere never lets outside bytes in', async () => {
  const outside = join(folder, 'outside');
  mkdirSync(outside);
  mkdirSync(join(source, 'd'));
  for (let at = 0; at < 20; at += 1) {
    writeFileSync(join(source, 'd', `f${at}`), 'inside');
    writeFileSync(join(outside, `f${at}`), 'OUTSIDE');
  }
  const script = `const fs=require('fs');const [s,o]=process.argv.slice(1);for(;;){fs.renameSync(s+'/d',s+'/../parked');fs.symlinkSync(o,s+'/d');fs.unlinkSync(s+'/d');fs.renameSync(s+'/../parked',s+'/d')}`;
  const swapper = spawn(process.execPath, ['-e', script, source, outside], { stdio: 'ignore' });
  try {
    let taken = 0;
    for (let round = 0; round < 300; round += 1) {
      const done = await snapshot(source, store, { signal }).catch((error: unknown) => error);
      if (done instanceof Error) expect(done).toMatchObject({ code: expect.stringMatching(/^PK210[12]$/) });
      else taken += 1;
    }
    expect(taken).toBeGreaterThan(0);
  } finally {
    swapper.kill('SIGKILL');
  }
  for (const { digest } of store.list()) {
    expect(Buffer.from(store.blobs.get(digest) ?? []).toString('latin1')).not.toContain('OUTSIDE');
  }
});

test('a checkout refuses a place that is taken, and leaves nothing when it fails', async () => {
  fill();
  const { tree } = await snapshot(source, store, { signal });
  await expect(checkout(tree, source, { blobs: store.blobs, signal })).rejects.toMatchObject({ code: 'PK2104' });
  await expect(checkout(tree, join(source, 'a/small'), { blobs: store.blobs, signal })).rejects.toMatchObject({ code: 'PK2104' });
  const large = readdirSync(join(folder, 'store/v1/blobs/sha256'))[0] ?? '';
  rmSync(join(folder, 'store/v1/blobs/sha256', large));
  await expect(checkout(tree, join(folder, 'out'), { blobs: store.blobs, signal })).rejects.toMatchObject({ code: 'PK2002' });
  expect(existsSync(join(folder, 'out'))).toBe(false);
});

test('hard links of a hostile tree reach no file outside, and no file with other content', async () => {
  const outside = join(folder, 'outside');
  mkdirSync(outside);
  writeFileSync(join(outside, 'victim'), 'precious');
  const attributes = { mode: 0o644, uid: 0, gid: 0, mtime: { seconds: 0, nanos: 0 }, xattrs: [] };
  const batch = store.blobs.batch();
  const [one, two] = ['one', 'two'].map((text) => ({ content: batch.add(Buffer.from(text)), size: 3 }));
  const file = (name: string, of: typeof one) => ({ type: 'file', name: byteString(name), ...attributes, ...of }) as Entry;
  const link: Entry = { type: 'symlink', name: byteString('away'), ...attributes, target: byteString(outside) };
  const tree = (entries: readonly Entry[], links: readonly string[]) =>
    batch.add(encodeNode({ ...attributes, mode: 0o755, entries, links: links.length > 0 ? [links.map(byteString)] : [] }));
  const inner: Entry = { type: 'dir', name: byteString('d'), node: tree([link], []) };
  const away = tree([file('b', one), inner], ['b', 'd/away/victim']);
  const other = tree([file('a', one), file('b', two)], ['a', 'b']);
  await batch.commit(signal);
  for (const hostile of [away, other]) {
    const made = checkout(hostile, join(folder, 'out'), { blobs: store.blobs, signal });
    await expect(made).rejects.toMatchObject({ code: 'PK2103' });
    expect(existsSync(join(folder, 'out'))).toBe(false);
  }
  expect(readFileSync(join(outside, 'victim'), 'utf8')).toBe('precious');
});
