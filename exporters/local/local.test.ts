import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  existsSync,
  linkSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readlinkSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { exportAll } from '../../src/artifacts/export.ts';
import type { Receipt, Target } from '../../src/artifacts/exporter.ts';
import { shown, signal, startResults } from '../../test/exporters/results.ts';
import type { Results } from '../../test/exporters/results.ts';
import type { LocalOutput } from './export.ts';
import { localExporter } from './index.ts';

let folder: string;
let dest: string;
let results: Results;
const root = process.getuid?.() === 0;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'portkit-local-'));
  dest = join(folder, 'out');
  results = startResults();
});
afterEach(() => {
  execFileSync('chmod', ['-R', 'u+rwX', folder]);
  rmSync(folder, { recursive: true, force: true });
});

function exporter(options: Partial<LocalOutput> = {}): ReturnType<typeof localExporter> {
  return localExporter({ dest, src: [], target: [], keepOwner: false, ...options }, { isRoot: root });
}

async function publish(targets: readonly Target[], options: Partial<LocalOutput> = {}): Promise<Receipt> {
  const [receipt] = await exportAll([exporter(options)], targets, { blobs: results.blobs, signal });
  if (receipt === undefined) throw new Error('no receipt');
  return receipt;
}

function inodes(): Readonly<Record<string, readonly [bigint, bigint]>> {
  const paths = readdirSync(dest, { recursive: true, encoding: 'utf8' }).toSorted();
  return Object.fromEntries(
    paths.map((path) => {
      const { ino, mtimeNs } = lstatSync(join(dest, path), { bigint: true });
      return [path, [ino, mtimeNs]];
    }),
  );
}

/** A tree with one of everything that can be written. */
const everything = {
  'bin/tool': { text: '#!/bin/sh\n', mode: 0o755 },
  'bin/also': { like: 'bin/tool' },
  'etc/name': { text: 'demo' },
  'etc/link': { to: '../bin/tool' },
  tmp: { directory: 0o1777 },
  closed: { directory: 0o500 },
  'closed/in': { text: 'x', mode: 0o400 },
  '\u00fc\n\u001b[31m': { text: 'name' },
} as const;

const everythingShown = [
  'bin/ 755',
  'bin/also 755 #!/bin/sh\n',
  'bin/tool 755 #!/bin/sh\n',
  'closed/ 500',
  'closed/in 400 x',
  'etc/ 755',
  'etc/link -> ../bin/tool',
  'etc/name 644 demo',
  'tmp/ 1777',
  '\u00fc\n\u001b[31m 644 name',
];

describe('what is written', () => {
  test.each(['new', 'empty', 'with files'])('modes, links and names, into a directory that is %s', async (state) => {
    if (state !== 'new') mkdirSync(dest);
    if (state === 'with files') {
      mkdirSync(join(dest, 'etc'), { mode: 0o755 });
      writeFileSync(join(dest, 'etc/name'), 'old');
      symlinkSync('elsewhere', join(dest, 'etc/link'));
      symlinkSync('/etc/passwd', join(dest, '\u00fc\n\u001b[31m'));
    }
    const receipt = await publish([await results.tree('root', everything)]);
    expect(shown(dest)).toEqual(everythingShown);
    expect(lstatSync(join(dest, 'bin/tool')).ino).toBe(lstatSync(join(dest, 'bin/also')).ino);
    expect(receipt).toMatchObject({
      written: 6,
      unchanged: 0,
      warnings: [],
      exported: [{ target: 'root', path: dest, files: 5 }],
    });
  });

  test('the mask of the process changes nothing', async () => {
    const before = process.umask(0o077);
    try {
      await publish([await results.tree('root', everything)]);
    } finally {
      process.umask(before);
    }
    expect(shown(dest)).toEqual(everythingShown);
    expect(statSync(dest).mode & 0o777).toBe(0o755);
  });

  test('what a directory cannot hold is named, and terminals are safe from its name', async () => {
    const things = {
      'dev/null': { device: [1, 3] },
      'dev/\u001b[2J': { device: [1, 5] },
      'bin/su': { text: 's', mode: 0o4755 },
      'bin/ping': { text: 'p', xattrs: [{ name: 'security.capability', value: Uint8Array.of(1) }] },
    } as const;
    const { warnings } = await publish([await results.tree('root', things as never)]);
    expect(warnings).toEqual([
      'devices and FIFOs were not written: "dev/\\u001b[2J", "dev/null" (type=tar keeps them)',
      'extended attributes were not written: "bin/ping" (type=tar keeps them)',
      'set-user-id and set-group-id bits were not kept: "bin/su" (type=tar keeps them)',
    ]);
    expect(shown(dest)).toEqual(['bin/ 755', 'bin/ping 644 p', 'bin/su 755 s', 'dev/ 755']);
  });

  test('src picks, and takes away; a hard link leads to the first name that is picked', async () => {
    const tree = await results.tree('root', everything);
    await publish([tree], { src: ['bin/tool', 'etc', '!etc/link'] });
    expect(shown(dest)).toEqual(['bin/ 755', 'bin/tool 755 #!/bin/sh\n', 'etc/ 755', 'etc/name 644 demo']);
    await expect(publish([tree], { src: ['nothing/**'] })).rejects.toMatchObject({ code: 'PK3403' });
  });

  test.each([0, 123])('whole pages of zeros become holes, and the bytes stay (%i more)', async (more) => {
    const image = Buffer.alloc(9 * 2 ** 20 + more);
    image.fill(7, 5000, 5010);
    image.fill(8, 2 ** 20 - 3, 2 ** 20 + 5);
    await publish([await results.blob('disk', image)]);
    const { size, blocks } = statSync(join(dest, 'disk'));
    expect(size).toBe(image.length);
    expect(blocks * 512).toBeLessThan(2 ** 16);
    expect(readFileSync(join(dest, 'disk')).equals(image)).toBe(true);
  });

  test('owners are kept when root asks for it, and set-user-id bits with them', async ({ skip }) => {
    skip(!root, 'needs root to give files away');
    const tree = await results.tree('root', { 'bin/su': { text: 's', mode: 0o4755, uid: 12, gid: 34 }, 'bin/ln': { to: 'su' } });
    for (let round = 0; round < 2; round += 1) {
      const { unchanged } = await publish([tree], { keepOwner: true });
      const { uid, gid, mode } = lstatSync(join(dest, 'bin/su'));
      expect([uid, gid, mode & 0o7777, unchanged]).toEqual([12, 34, 0o4755, round * 2]);
    }
    expect((await publish([tree])).written).toBe(1);
    expect(lstatSync(join(dest, 'bin/su')).mode & 0o7777).toBe(0o755);
  });
});

describe('what was there', () => {
  test('is not touched when it is no part of the output, or as it has to be', async () => {
    const tree = await results.tree('root', everything);
    await publish([tree]);
    writeFileSync(join(dest, 'etc/mine'), 'mine');
    const before = inodes();
    const time = statSync(dest, { bigint: true }).mtimeNs;
    expect(await publish([tree])).toMatchObject({ written: 0, unchanged: 6 });
    expect(inodes()).toEqual(before);
    expect(statSync(dest, { bigint: true }).mtimeNs).toBe(time);

    const changed = await results.tree('root', { ...everything, 'etc/name': { text: 'DEMO' } });
    expect(await publish([changed])).toMatchObject({ written: 1, unchanged: 5 });
    const after = inodes();
    const moved = Object.keys(after).filter((path) => String(after[path]) !== String(before[path]));
    expect(moved).toEqual(['etc', 'etc/name']);
    expect(readFileSync(join(dest, 'etc/mine'), 'utf8')).toBe('mine');
  });

  test('is written anew when its mode is another', async () => {
    const tree = await results.tree('root', everything);
    await publish([tree]);
    chmodSync(join(dest, 'etc/name'), 0o600);
    expect(await publish([tree])).toMatchObject({ written: 1 });
    expect(shown(dest)).toEqual(everythingShown);
  });

  test('hard links that are torn are made anew; a file that shares its inode with another one is not written through', async () => {
    const tree = await results.tree('root', everything);
    await publish([tree]);
    writeFileSync(join(folder, 'copy'), '#!/bin/sh\n', { mode: 0o755 });
    renameSync(join(folder, 'copy'), join(dest, 'bin/also'));
    linkSync(join(dest, 'etc/name'), join(folder, 'precious'));
    const changed = await results.tree('root', { ...everything, 'etc/name': { text: 'DEMO' } });
    expect(await publish([changed])).toMatchObject({ written: 3 });
    expect(lstatSync(join(dest, 'bin/tool')).ino).toBe(lstatSync(join(dest, 'bin/also')).ino);
    expect(readFileSync(join(folder, 'precious'), 'utf8')).toBe('demo');
  });

  test('is refused before anything is visible when it is in the way', async () => {
    const tree = await results.tree('root', everything);
    const outside = join(folder, 'outside');
    mkdirSync(outside);
    for (const put of [
      () => symlinkSync(outside, join(dest, 'etc')),
      () => symlinkSync('.', join(dest, 'etc')),
      () => writeFileSync(join(dest, 'etc'), 'file'),
      () => mkdirSync(join(dest, 'etc/name'), { recursive: true }),
      () => mkdirSync(join(dest, 'etc/link'), { recursive: true }),
    ]) {
      rmSync(dest, { recursive: true, force: true });
      mkdirSync(dest);
      put();
      const before = shown(folder);
      await expect(publish([tree])).rejects.toMatchObject({ code: 'PK3404' });
      expect(shown(folder)).toEqual(before);
    }
  });

  test('a link to a file that has the right content is not that file', async () => {
    mkdirSync(dest);
    writeFileSync(join(folder, 'real'), 'x', { mode: 0o644 });
    symlinkSync('../real', join(dest, 'f'));
    expect(await publish([await results.blob('f', 'x')])).toMatchObject({ written: 1 });
    expect(shown(dest)).toEqual(['f 644 x']);
  });

  test('is found also where the directory above may not be read; what may not be written is refused early', async ({ skip }) => {
    skip(root, 'root may read and write everything');
    mkdirSync(dest);
    chmodSync(folder, 0o300);
    exporter().check([]);
    await publish([await results.blob('f', 'x')]);
    expect(shown(dest)).toEqual(['f 644 x']);
    expect(() => exporter({ dest: join(folder, 'new') }).check([])).toThrow(expect.objectContaining({ code: 'PK3402' }));
    chmodSync(dest, 0o500);
    expect(() => exporter().check([])).toThrow(expect.objectContaining({ code: 'PK3402' }));
  });

  test('a FIFO at the place of a file does not block, and is replaced', async () => {
    mkdirSync(dest);
    execFileSync('mkfifo', [join(dest, 'f')]);
    await publish([await results.blob('f', 'x')]);
    expect(shown(dest)).toEqual(['f 644 x']);
  });
});

describe('what others do meanwhile', () => {
  test('a directory swapped for a link leads nowhere', async () => {
    const outside = join(folder, 'outside');
    mkdirSync(outside);
    mkdirSync(join(dest, 'etc'), { recursive: true });
    using prepared = await exporter().prepare([await results.tree('root', everything)], { blobs: results.blobs, signal });
    renameSync(join(dest, 'etc'), join(folder, 'etc'));
    symlinkSync(outside, join(dest, 'etc'));
    await expect(prepared.publish(signal)).rejects.toMatchObject({ code: 'PK3404' });
    expect(readdirSync(outside)).toEqual([]);
    prepared[Symbol.dispose]();
    expect(shown(folder).filter((line) => line.includes('unfinished'))).toEqual([]);
  });

  test('the destination itself swapped for a link: what was opened is written', async () => {
    const outside = join(folder, 'outside');
    mkdirSync(outside);
    mkdirSync(dest);
    using prepared = await exporter().prepare([await results.blob('f', 'x')], { blobs: results.blobs, signal });
    renameSync(dest, join(folder, 'moved'));
    symlinkSync(outside, dest);
    await prepared.publish(signal);
    prepared[Symbol.dispose]();
    expect(readdirSync(outside)).toEqual([]);
    expect(shown(join(folder, 'moved'))).toEqual(['f 644 x']);
  });

  test('a destination that came into being is updated, one that is a file or link is refused', async () => {
    const tree = await results.tree('root', everything);
    {
      using prepared = await exporter().prepare([tree], { blobs: results.blobs, signal });
      mkdirSync(join(dest, 'etc'), { recursive: true });
      writeFileSync(join(dest, 'mine'), 'mine');
      expect(await prepared.publish(signal)).toMatchObject({ written: 6 });
    }
    expect(readFileSync(join(dest, 'mine'), 'utf8')).toBe('mine');
    for (const put of [() => writeFileSync(dest, ''), () => symlinkSync(folder, dest)]) {
      execFileSync('chmod', ['-R', 'u+rwX', folder]);
      rmSync(dest, { recursive: true, force: true });
      using prepared = await exporter().prepare([tree], { blobs: results.blobs, signal });
      put();
      await expect(prepared.publish(signal)).rejects.toMatchObject({ code: 'PK3404' });
      prepared[Symbol.dispose]();
      expect(readdirSync(folder)).toEqual(['out']);
    }
  });
});

describe('a run that is killed', () => {
  const program = new URL('../../test/exporters/killed.ts', import.meta.url).pathname;
  const unfinished = (): readonly string[] =>
    readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((path) => /unfinished-[^/]*$/.test(path));

  test.each([
    ['out', false],
    ['out', true],
    ['type=tar,dest=out.tar', false],
  ])('after preparing %s (there already: %s): nothing is visible, and the next run clears away', async (output, there) => {
    if (there) mkdirSync(dest);
    const { signal: killed } = spawnSync(process.execPath, [program, folder, output, 'prepared']);
    expect(killed).toBe('SIGKILL');
    expect(readdirSync(folder).filter((name) => name.startsWith('out'))).toEqual(there ? ['out'] : []);
    expect(unfinished()).toHaveLength(1);
    await publish([await results.blob('f', 'x')], output === 'out' ? {} : { dest: join(folder, 'out.d') });
    expect(unfinished()).toEqual([]);
  });

  test('while publishing into a directory: every file is whole, old or new, and the next run completes it', async () => {
    mkdirSync(dest);
    const things = Object.fromEntries(Array.from({ length: 300 }, (_, at) => [`d${at % 10}/f${at}`, { text: `old ${at}` }]));
    const old = await results.tree('root', things);
    for (let round = 0; round < 2; round += 1) {
      await publish([old]);
      const child = spawn(process.execPath, [program, folder, 'out', 'publishing'], { stdio: ['ignore', 'pipe', 'inherit'] });
      const ended = once(child, 'exit');
      await once(child.stdout, 'data');
      child.kill('SIGKILL');
      await ended;
      for (const path of Object.keys(things)) expect(readFileSync(join(dest, path), 'utf8')).toMatch(/^(?:old|new) \d+$/);
    }
    await publish([old]);
    expect(unfinished()).toEqual([]);
    expect(shown(dest).filter((line) => line.includes(' old '))).toHaveLength(300);
  });

  test('the work of a process that lives, or of another user, is left alone', async () => {
    using prepared = await exporter().prepare([await results.blob('f', 'x')], { blobs: results.blobs, signal });
    await publish([await results.blob('g', 'y')], { dest: join(folder, 'other') });
    const namespace = readlinkSync('/proc/self/ns/pid').replaceAll(/\D/g, '');
    const [link, file, foreign] = [`${namespace}-1-1-aaaaaa`, `${namespace}-1-1-bbbbbb`, '1-1-1-cccccc'].map((who) =>
      join(folder, `.portkit-unfinished-${who}`),
    );
    symlinkSync('/', String(link));
    writeFileSync(String(file), '');
    mkdirSync(String(foreign));
    await publish([await results.blob('g', 'y')], { dest: join(folder, 'other') });
    expect([link, file, foreign].map((path) => existsSync(String(path)))).toEqual([true, true, true]);
    utimesSync(String(foreign), 0, 0);
    await publish([await results.blob('g', 'y')], { dest: join(folder, 'other') });
    expect(existsSync(String(foreign))).toBe(false);
    await prepared.publish(signal);
    expect(shown(dest)).toEqual(['f 644 x']);
  });
});

test('a full disk fails with a code and leaves the room that it took', async ({ skip }) => {
  skip(!root, 'needs root to mount a small disk');
  mkdirSync(dest);
  skip(spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=1m', 'tmpfs', dest]).status !== 0, 'nothing can be mounted here');
  try {
    writeFileSync(join(dest, 'f'), 'old');
    const big = await results.blob('f', Buffer.alloc(2 ** 21, 1));
    await expect(publish([big])).rejects.toMatchObject({ code: 'PK2007' });
    expect(shown(dest)).toEqual(['f 644 old']);
    truncateSync(join(dest, 'f'), 900_000);
    await publish([await results.blob('f', 'new')]);
    expect(shown(dest)).toEqual(['f 644 new']);
  } finally {
    execFileSync('umount', [dest]);
  }
});
