import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { Server } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { treeLines } from '../../test/tree-lines.ts';
import { digestOf } from '../base/digest.ts';
import type { Digest } from '../base/digest.ts';
import type { DebSpec } from '../graph/source-ops.ts';
import type { OpContext, Outcome } from '../solver/op.ts';
import { createMemoryStore } from '../store/memory.ts';
import { debOp } from './deb.ts';
import { openLock } from './lock.ts';
import type { DebWorld } from './deb.ts';
import { runProgram } from './run-program.ts';
import { unxzWith } from './unxz.ts';

const path = '/usr/bin:/bin:/usr/sbin:/sbin';
const { signal } = new AbortController();
const context: OpContext = { signal, output: () => undefined, transfer: () => undefined };

/** A machine with one source for apt, served here; everything of apt's own configuration is its own. */
let machine: string;
let server: Server;
let asked: string[];
let folder: string;
let store: ReturnType<typeof createMemoryStore>;

beforeAll(async () => {
  machine = mkdtempSync(join(tmpdir(), 'portkit-deb-machine-'));
  server = createServer((request, response) => {
    const url = decodeURIComponent(request.url ?? '');
    asked.push(url);
    const file = join(machine, 'repo', url);
    if (existsSync(file)) response.writeHead(200).end(readFileSync(file));
    else response.writeHead(404).end();
  });
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  const port = typeof address === 'object' ? address?.port : 0;
  for (const name of ['repo', 'etc/apt.conf.d', 'etc/sources.list.d', 'etc/preferences.d'])
    mkdirSync(join(machine, name), { recursive: true });
  writeFileSync(join(machine, 'etc/sources.list'), `deb [trusted=yes] http://127.0.0.1:${port} ./\n`);
  const hook = `touch ${machine}/mark`;
  const hooks = `APT::Update::Pre-Invoke { "${hook}"; };\nAPT::Update::Post-Invoke-Success { "${hook}"; };\nDPkg::Post-Invoke { "${hook}"; };\n`;
  writeFileSync(join(machine, 'etc/apt.conf.d/hooks'), hooks);
  writeFileSync(join(machine, 'apt.conf'), `Dir::Etc "${machine}/etc";\n`);
  publish([
    deb('tool', '1.0', 'xz'),
    deb('tool', '1.1', 'gzip'),
    deb('g++-lib', '2:3~rc1', 'zstd'),
    deb('plain', '1', 'none'),
    deb('meta', '1', 'gzip', 'tool (>= 1), g++-lib'),
  ]);
}, 60_000);

afterAll(() => {
  server.closeAllConnections();
  server.close();
  rmSync(machine, { recursive: true, force: true });
});

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'portkit-deb-'));
  store = createMemoryStore();
  asked = [];
});

afterEach(() => rmSync(folder, { recursive: true, force: true }));

interface Built {
  readonly name: string;
  readonly version: string;
  readonly depends: string;
  readonly file: string;
  readonly bytes: Buffer;
}
const built = new Map<string, Built>();

function deb(name: string, version: string, pack: string, depends = ''): Built {
  const root = join(machine, `build-${name}-${pack}`);
  mkdirSync(join(root, 'DEBIAN'), { recursive: true });
  mkdirSync(join(root, 'usr/bin'), { recursive: true });
  mkdirSync(join(root, 'usr/share'), { recursive: true });
  writeFileSync(join(root, 'usr/bin', name), `${name} ${version}`, { mode: 0o755 });
  writeFileSync(join(root, 'usr/share/common'), name);
  symlinkSync(name, join(root, 'usr/bin', `${name}-link`));
  const control = `Package: ${name}\nVersion: ${version}\nArchitecture: amd64\nMaintainer: x <x@x>\nDescription: x\n`;
  writeFileSync(join(root, 'DEBIAN/control'), control);
  writeFileSync(join(root, 'DEBIAN/postinst'), '#!/bin/sh\nexit 1\n', { mode: 0o755 });
  const file = `${name}_${version.replace(':', '%3a')}_amd64.deb`;
  execFileSync('dpkg-deb', ['--root-owner-group', `-Z${pack}`, '--build', root, join(machine, file)], { stdio: 'ignore' });
  const one = { name, version, depends, file, bytes: readFileSync(join(machine, file)) };
  built.set(`${name} ${version}`, one);
  return one;
}

function publish(all: readonly Built[]): void {
  const sha256 = (bytes: string | Buffer) => createHash('sha256').update(bytes).digest('hex');
  const packages = all
    .map(({ name, version, depends, file, bytes }) => {
      writeFileSync(join(machine, 'repo', file.replace('%3a', '_')), bytes);
      const place = `Filename: ./${file.replace('%3a', '_')}\nSize: ${bytes.length}\nSHA256: ${sha256(bytes)}`;
      const needs = depends === '' ? '' : `Depends: ${depends}\n`;
      return `Package: ${name}\nVersion: ${version}\nArchitecture: amd64\n${needs}Maintainer: x <x@x>\nDescription: x\n${place}\n`;
    })
    .join('\n');
  writeFileSync(join(machine, 'repo/Packages'), packages);
  const release = `Date: Thu, 01 Jan 2026 00:00:00 UTC\nArchitectures: amd64\nSHA256:\n ${sha256(packages)} ${packages.length} Packages\n`;
  writeFileSync(join(machine, 'repo/Release'), release);
}

function digestOfDeb(key: string): Digest {
  return digestOf(built.get(key)?.bytes ?? '');
}

function world(more: Partial<DebWorld> = {}): DebWorld {
  return {
    blobs: store,
    run: runProgram,
    path,
    env: { APT_CONFIG: join(machine, 'apt.conf') },
    state: join(folder, 'state'),
    sleep: () => Promise.resolve(),
    architecture: 'amd64',
    unxz: unxzWith(runProgram, path),
    ...more,
  };
}

async function take(packages: DebSpec['packages'], more: Partial<DebWorld> = {}): Promise<Outcome> {
  const op = debOp({ type: 'deb', packages }, world(more));
  await op.facts(context);
  return op.run([], context);
}

function failureOf(outcome: Outcome) {
  if (outcome.ok) throw new Error('expected a failure');
  return outcome.failure;
}

function pinned(name: string, version: string) {
  return { name, version, sha256: digestOfDeb(`${name} ${version}`) };
}

describe('packages', () => {
  test('of every compression become one tree; the later lies over the earlier; no script is kept', async () => {
    const packages = [pinned('tool', '1.0'), pinned('g++-lib', '2:3~rc1'), pinned('plain', '1')];
    const outcome = await take(packages);
    if (!outcome.ok) throw new Error(outcome.failure.message);
    expect(await treeLines(outcome.outputs[0]?.digest ?? digestOf(''), store)).toEqual([
      'dir 755',
      'dir 755 usr',
      'dir 755 usr/bin',
      'file 755 usr/bin/g++-lib g++-lib 2:3~rc1',
      'symlink 777 usr/bin/g++-lib-link -> g++-lib',
      'file 755 usr/bin/plain plain 1',
      'symlink 777 usr/bin/plain-link -> plain',
      'file 755 usr/bin/tool tool 1.0',
      'symlink 777 usr/bin/tool-link -> tool',
      'dir 755 usr/share',
      'file 644 usr/share/common plain',
    ]);
    expect(existsSync(join(machine, 'mark'))).toBe(false);
  });

  test('that the store has need no apt', async () => {
    const packages = [pinned('tool', '1.1')];
    expect((await take(packages)).ok).toBe(true);
    asked = [];
    expect((await take(packages, { path: '/nowhere' })).ok).toBe(true);
    expect(asked).toEqual([]);
  });

  test('are their digests in the key', async () => {
    const op = debOp({ type: 'deb', packages: [pinned('tool', '1.0'), { name: 'plain' }] }, world());
    expect(await op.facts(context)).toEqual({
      facts: { 'package 1': digestOfDeb('tool 1.0'), 'package 2': 'deb:plain:amd64' },
    });
  });

  test('that are not pinned fail and say what to pin', async () => {
    const failure = failureOf(await take([{ name: 'tool' }, { name: 'plain', version: '1' }]));
    expect(failure.code).toBe('PK3205');
    expect(failure.hint).toContain(`tool: sha256 = "${digestOfDeb('tool 1.1').slice(7)}"`);
    expect(failure.hint).toContain(`plain: sha256 = "${digestOfDeb('plain 1').slice(7)}"`);
  });

  test('are pinned by the lock, and the lock by what apt has today', async () => {
    const lock = new Map<string, Digest>();
    const pin = { get: (name: string) => lock.get(name), set: (name: string, digest: Digest) => void lock.set(name, digest) };
    expect((await take([{ name: 'tool' }], { pin })).ok).toBe(true);
    expect([...lock]).toEqual([['deb:tool:amd64', digestOfDeb('tool 1.1')]]);
    expect((await take([{ name: 'tool' }], { pin: { get: pin.get }, path: '/nowhere' })).ok).toBe(true);
    store = createMemoryStore();
    expect((await take([{ name: 'tool' }], { pin: { get: pin.get } })).ok).toBe(true);
  });
});

describe('what goes wrong', () => {
  test('another package than the pinned one', async () => {
    const failure = failureOf(await take([{ name: 'tool', sha256: digestOfDeb('tool 1.0') }]));
    expect(failure.code).toBe('PK3202');
    expect(store.get(digestOfDeb('tool 1.1'))).toBeUndefined();
  });

  test('that others depend on are chosen once, and are what the lock says from then on', async () => {
    const file = join(folder, 'portkit.lock');
    const packages = [{ name: 'meta', depends: 'to*' }];
    const unknown = openLock(file, { update: false, locked: false });
    expect(failureOf(await take(packages, { pin: unknown }))).toMatchObject({
      code: 'PK3205',
      message: expect.stringContaining('meta'),
    });
    const lock = openLock(file, { update: true, locked: false });
    const updated = await take(packages, { pin: lock });
    lock.save();
    expect(JSON.parse(readFileSync(file, 'utf8'))).toEqual({
      version: 1,
      pins: { 'deb:meta>tool:amd64': digestOfDeb('tool 1.1') },
    });
    asked = [];
    const pin = openLock(file, { update: false, locked: true });
    expect(await take(packages, { pin })).toEqual(updated);
    expect(asked).toEqual([]);
    // What the lock has is asked for, whatever is depended on today.
    store = createMemoryStore();
    expect(await take(packages, { pin })).toEqual(updated);
  });

  test.each([
    [{ name: 'meta', depends: '*' }, 'PK3812', 'tool, g++-lib'],
    [{ name: 'meta', depends: 'linux-*' }, 'PK3812', 'tool, g++-lib'],
    [{ name: 'plain', depends: 'x' }, 'PK3812', 'nothing'],
    [{ name: 'missing', depends: 'x' }, 'PK3812', 'portkit update'],
  ])('%j is not clear', async (one, code, hint) => {
    const pin = openLock(join(folder, 'portkit.lock'), { update: true, locked: false });
    expect(failureOf(await take([one], { pin }))).toMatchObject({ code, hint: expect.stringContaining(hint) });
  });

  test.each([{ version: '1' }, { sha256: '0'.repeat(64) }])('found by depends, and %j as well', async (more) => {
    await expect(take([{ name: 'meta', depends: 'tool', ...more }])).rejects.toMatchObject({ code: 'PK1004' });
  });

  test.each([{ name: 'missing' }, { name: 'tool', version: '9' }])('%j is not there', async (one) => {
    expect(failureOf(await take([one]))).toMatchObject({ code: 'PK3812', message: expect.stringContaining(one.name) });
  });

  test.each([
    { name: '-o' },
    { name: '--help' },
    { name: 'a/b' },
    { name: '../x' },
    { name: 'tool', version: '-1' },
    { name: 'tool', version: '1 2' },
    { name: 'tool;x' },
    { name: '' },
  ])('%j is no package', async (one) => {
    await expect(take([one])).rejects.toMatchObject({ code: 'PK3207' });
  });

  test('a server that is down', async () => {
    mkdirSync(join(folder, 'etc'));
    writeFileSync(join(folder, 'etc/sources.list'), 'deb [trusted=yes] http://me:canary@127.0.0.1:1 ./\n');
    writeFileSync(join(folder, 'apt.conf'), `Dir::Etc "${folder}/etc";\nAcquire::Retries "0";\n`);
    const failure = failureOf(await take([{ name: 'tool' }], { env: { APT_CONFIG: join(folder, 'apt.conf') } }));
    expect(failure.code).toBe('PK3201');
    expect(JSON.stringify(failure)).not.toContain('canary');
  });

  test('a machine without apt', async () => {
    expect(failureOf(await take([{ name: 'tool' }], { path: '/nowhere' })).code).toBe('PK6901');
  });
});
