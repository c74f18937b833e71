import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { digestOf, hexOf } from '../../base/digest.ts';
import { takeLock } from '../../execution/lock.ts';
import type { Place } from './folder.ts';
import { chunksOf, factsOf } from './read.ts';
import { examine, openSealed, publishSealed } from './sealed.ts';
import { stage } from './staged.ts';

let folder: string;
let root: string;
let place: Place;
const { signal } = new AbortController();

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'portkit-copies-'));
  root = join(folder, 'root');
  place = { root, path: 'a/b/vmlinux' };
});

afterEach(() => rmSync(folder, { recursive: true, force: true }));

async function* bytes(...texts: readonly string[]): AsyncGenerator<Uint8Array> {
  for (const text of texts) yield Buffer.from(text);
}

async function put(text: string, at = place): Promise<void> {
  using staged = await stage(at, bytes(text), signal);
  await publishSealed([staged], { folder: root, takeLock, signal });
}

async function read(at = place): Promise<string | undefined> {
  const found = await openSealed(at, signal);
  if (found === undefined) return undefined;
  const chunks: Uint8Array[] = [];
  for await (const chunk of found.content) chunks.push(chunk);
  return Buffer.concat(chunks).toString();
}

const path = (name = 'vmlinux'): string => join(root, 'a/b', name);
const there = (): readonly string[] => readdirSync(join(root, 'a/b')).toSorted();

test('a folder whose name is one letter is made, seen from the folder that it is in', () => {
  const program = `import { makeFolder } from ${JSON.stringify(join(import.meta.dirname, 'folder.ts'))};
    makeFolder({ root: 'q', path: 'file' });`;
  execFileSync(process.execPath, ['--input-type=module', '--eval', program], { cwd: folder, timeout: 20_000 });
  expect(readdirSync(folder)).toEqual(['q']);
});

describe('a staged file', () => {
  test('is not visible before it is published, and then whole', async () => {
    using staged = await stage(place, bytes('one ', 'two'), signal);
    expect(existsSync(path())).toBe(false);
    expect(staged).toMatchObject({ digest: digestOf('one two'), size: 7 });
    staged.publish();
    expect(readFileSync(path(), 'utf8')).toBe('one two');
    staged[Symbol.dispose]();
    expect(there()).toEqual(['vmlinux']);
  });

  test('leaves nothing when its content fails, and what was there stays', async () => {
    await put('old');
    async function* failing(): AsyncGenerator<Uint8Array> {
      yield Buffer.from('new');
      throw new Error('no more');
    }
    await expect(stage(place, failing(), signal)).rejects.toThrow('no more');
    expect(there()).toEqual(['vmlinux', 'vmlinux.sha256']);
    expect(await read()).toBe('old');
  });

  test('does not fill holes', async () => {
    const zeros = Buffer.alloc(1 << 20).toString('latin1');
    using staged = await stage(place, bytes(...Array.from({ length: 8 }, () => zeros), 'end'), signal);
    expect(statSync(staged.path)).toMatchObject({ size: (8 << 20) + 3 });
    expect(statSync(staged.path).blocks * 512).toBeLessThan(1 << 20);
  });

  test('clears away what a killed run left a day ago, and nothing else', async () => {
    mkdirSync(path('.portkit-new-oldold'), { recursive: true });
    mkdirSync(path('.portkit-new-fresh1'));
    mkdirSync(path('other'));
    utimesSync(path('.portkit-new-oldold'), 0, 0);
    utimesSync(path('other'), 0, 0);
    using _ = await stage(place, bytes('x'), signal);
    expect(
      there().filter((name) => !/new-[A-Za-z0-9]{6}$/.test(name) || name.endsWith('fresh1') || name.endsWith('oldold')),
    ).toEqual(['.portkit-new-fresh1', 'other']);
  });

  test('does not leave the root through a link, nor replace a directory', async () => {
    mkdirSync(root);
    symlinkSync(folder, join(root, 'a'));
    await expect(stage(place, bytes('x'), signal)).rejects.toMatchObject({ code: 'PK3906' });
    await expect(factsOf({ root, path: 'a/root/vmlinux' }, signal)).resolves.toBeUndefined();
    await expect(factsOf({ root, path: 'a/vmlinux' }, signal)).rejects.toMatchObject({ code: 'PK3906' });
    expect(readdirSync(folder)).toEqual(['root']);
    rmSync(join(root, 'a'));
    mkdirSync(path(), { recursive: true });
    using staged = await stage(place, bytes('x'), signal);
    expect(() => staged.publish()).toThrow('is a directory');
  });

  test('that cannot be written says why', async () => {
    writeFileSync(root, 'a file');
    await expect(stage(place, bytes('x'), signal)).rejects.toMatchObject({
      code: 'PK3912',
      message: expect.stringContaining('EEXIST'),
    });
  });
});

describe('a sealed file', () => {
  test('is read as it was, and sha256sum agrees', async () => {
    await put('kernel');
    expect(await read()).toBe('kernel');
    expect(await examine(place, signal)).toEqual({ state: 'whole', digest: digestOf('kernel'), size: 6 });
    expect(execFileSync('sha256sum', ['-c', 'vmlinux.sha256'], { cwd: join(root, 'a/b'), encoding: 'utf8' })).toBe(
      'vmlinux: OK\n',
    );
    await put('new kernel');
    expect(await read()).toBe('new kernel');
    expect(there()).toEqual(['vmlinux', 'vmlinux.sha256']);
  });

  test('is absent when it is not there', async () => {
    expect(await read()).toBeUndefined();
    expect(await examine(place, signal)).toEqual({ state: 'absent' });
  });

  test.each([
    ['a bit', () => writeFileSync(path(), 'kernfl')],
    ['the end', () => truncateSync(path(), 3)],
    ['everything', () => writeFileSync(path(), '')],
    ['its seal', () => writeFileSync(path('vmlinux.sha256'), `${'0'.repeat(64)}  vmlinux\n`)],
    ['the end of its seal', () => truncateSync(path('vmlinux.sha256'), 70)],
    ['the name in its seal', () => writeFileSync(path('vmlinux.sha256'), `${hexOf(digestOf('kernel'))}  other\n`)],
    ['all of its seal', () => writeFileSync(path('vmlinux.sha256'), '')],
  ])('that lost %s is damaged, and never ends as if it were right', async (_, damage) => {
    await put('kernel');
    damage();
    expect(await examine(place, signal)).toMatchObject({ state: 'damaged' });
    await expect(read()).rejects.toMatchObject({ code: 'PK3910', message: expect.stringContaining(path()) });
    await put('kernel');
    expect(await read()).toBe('kernel');
  });

  test('of something else has no seal, and is told apart', async () => {
    mkdirSync(join(root, 'a/b'), { recursive: true });
    writeFileSync(path(), 'theirs');
    expect(await openSealed(place, signal)).toMatchObject({ sealed: false });
    expect(await examine(place, signal)).toMatchObject({ state: 'unsealed', size: 6 });
    expect(await read()).toBe('theirs');
  });

  test('is right wherever publishing is cut off', async () => {
    await put('old');
    using staged = await stage(place, bytes('new'), signal);
    const stop = new AbortController();
    const cut = {
      ...staged,
      publish() {
        stop.abort(new Error('cut'));
        staged.publish();
      },
    };
    await expect(publishSealed([cut], { folder: root, takeLock, signal: stop.signal })).rejects.toThrow('cut');
    expect(readFileSync(path('vmlinux.sha256'), 'utf8')).toBe(
      `${hexOf(digestOf('new'))}  vmlinux\n${hexOf(digestOf('old'))}  vmlinux\n`,
    );
    expect(await read()).toBe('new');
    writeFileSync(path(), 'old');
    expect(await read()).toBe('old');
  });

  test('of two that push at once is one of them', async () => {
    const texts = Array.from({ length: 12 }, (_, at) => `kernel ${at}`);
    await Promise.all(texts.map((text) => put(text)));
    expect(texts).toContain(await read());
    expect(await examine(place, signal)).toMatchObject({ state: 'whole' });
    expect(there()).toEqual(['vmlinux', 'vmlinux.sha256']);
  });

  test('that is pushed anew while it is read is no damage', async () => {
    await put('old');
    const reading = await openSealed(place, signal);
    await put('new');
    const chunks: Uint8Array[] = [];
    for await (const chunk of reading?.content ?? []) chunks.push(chunk);
    expect(Buffer.concat(chunks).toString()).toBe('new');
  });
});

test('a lock that cannot be taken is told of', async () => {
  mkdirSync(join(root, '.portkit-lock'), { recursive: true });
  await expect(put('x')).rejects.toMatchObject({ code: 'PK3912', message: expect.stringContaining('unable to open') });
  expect(existsSync(path())).toBe(false);
});

test('a publisher that is killed leaves a file that is whole', { timeout: 60_000 }, async () => {
  const program = new URL('../../../test/artifacts/publishing.ts', import.meta.url).pathname;
  let published = 0;
  for (let round = 0; round < 8; round += 1) {
    const child = spawn(process.execPath, [program, root, place.path], { stdio: ['ignore', 'pipe', 'inherit'] });
    const ended = once(child, 'exit');
    let told = '';
    child.stdout.on('data', (chunk: Buffer) => (told += chunk.toString()));
    await once(child.stdout, 'data');
    await sleep(round * 7);
    child.kill('SIGKILL');
    await ended;
    published += told.length;
    expect(await examine(place, signal)).toMatchObject({ state: 'whole' });
    expect(await read()).toMatch(/^(?:kernel \d+ ){1000}$/);
  }
  expect(published).toBeGreaterThanOrEqual(8);
  await put('kernel');
  expect(await read()).toBe('kernel');
});

test('what is no regular file is refused, and not followed', async () => {
  await put('x', { root, path: 'a/b/other' });
  symlinkSync('other', path());
  await expect(openSealed(place, signal)).rejects.toMatchObject({ code: 'PK3912' });
  await expect(async () => {
    for await (const _ of chunksOf(path(), signal)) break;
  }).rejects.toThrow('ELOOP');
  rmSync(path());
  execFileSync('mkfifo', [path()]);
  await expect(factsOf(place, signal)).rejects.toMatchObject({ code: 'PK3912' });
});

test('what may not be read says so', async ({ skip }) => {
  skip(process.getuid?.() === 0, 'root may read everything');
  await put('x');
  chmodSync(path(), 0);
  await expect(examine(place, signal)).rejects.toMatchObject({ code: 'PK3912', message: expect.stringContaining('EACCES') });
});
