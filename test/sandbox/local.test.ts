import { spawn } from 'node:child_process';
import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openRig, run, script, whyNoSandbox } from './rig.ts';
import type { Ran, Rig } from './rig.ts';
import type { Digest } from '../../src/base/digest.ts';
import { decodeNode } from '../../src/store/trees/decode.ts';
import type { Command, Ended } from '../../src/execution/executor.ts';
import { createLocalExecutor } from '../../src/execution/local.ts';
import { openWorkplace } from '../../src/execution/workplace.ts';

const { signal } = new AbortController();
const why = whyNoSandbox();
if (why !== undefined) console.log(`Skipped: the executor of this machine (${why})`);
const isRoot = process.geteuid?.() === 0;

describe.skipIf(why !== undefined)('on this machine', () => {
  let folder: string;
  let rig: Rig;

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'portkit-exec-'));
    rig = await openRig(folder);
  });

  afterAll(async () => {
    await rig[Symbol.asyncDispose]();
    rmSync(folder, { recursive: true, force: true });
  });

  const sh = (text: string, change: Partial<Command> = {}): Promise<Ran> => run(rig.executor, script(text, change));
  const make = async (text: string): Promise<Digest> => outOf((await sh(text)).ended);

  test('what is left in /out is a tree in the store, the same whenever it is made', async () => {
    const text = 'mkdir -p /out/d && echo hello > /out/d/file && ln -s file /out/d/link && chmod 750 /out/d/file';
    const first = await make(text);
    const node = decodeNode(rig.store.blobs.get(first) ?? new Uint8Array(), first);
    expect(node).toMatchObject({ mode: 0o755, uid: 0, gid: 0, mtime: { seconds: 0, nanos: 0 } });
    expect(node.entries.map(({ name, type }) => [name, type])).toEqual([['d', 'dir']]);
    expect(await make(text)).toBe(first);
  });

  test('a link out of /out stays a link', async () => {
    const out = await make(`ln -s ${folder} /out/link; ln -s / /out/root`);
    const { entries } = decodeNode(rig.store.blobs.get(out) ?? new Uint8Array(), out);
    expect(entries.map(({ type }) => type)).toEqual(['symlink', 'symlink']);
  });

  test('a socket in /out cannot be kept', async () => {
    const text = `perl -MIO::Socket::UNIX -e 'IO::Socket::UNIX->new(Local => "/out/s", Listen => 1)'`;
    await expect(sh(text)).rejects.toMatchObject({ code: 'PK2102' });
  });

  test('inputs are at /in, read-only, a tree as a folder and a blob as a file', async () => {
    const tree = await make('echo one > /out/a; chmod 600 /out/a; mkdir -m 700 /out/d; echo two > /out/d/b');
    const batch = rig.store.blobs.batch();
    const blob = batch.add(Buffer.from('three\n'));
    await batch.commit(signal);
    const inputs = [
      { name: 'tree', ref: { kind: 'tree', digest: tree } },
      { name: 'blob', ref: { kind: 'blob', digest: blob } },
    ] as const;
    const { stdout, stderr } = await sh('cat /in/tree/a /in/tree/d/b /in/blob; chmod u+w /in/blob; touch /in/tree/c /in/d', {
      inputs,
    });
    expect(stdout).toBe('one\ntwo\nthree\n');
    expect(stderr.match(/Read-only file system/g)).toHaveLength(3);
  });

  test('the umask of whoever runs commands changes nothing', async () => {
    const own = mkdtempSync(join(folder, 'umask-'));
    const made = [];
    const digest = await make('echo one > /out/a');
    const inputs = [{ name: 'tree', ref: { kind: 'tree', digest } }] as const;
    for (const mask of [0o077, 0o000]) {
      const before = process.umask(mask);
      try {
        const folders = { scratch: join(own, `s${mask}`), caches: join(own, `c${mask}`) };
        chmodSync(own, 0o755);
        await using executor = await createLocalExecutor(
          { store: rig.store, spawner: rig.spawner, folders, bwrap: '/usr/bin/bwrap', keepBytes: 0 },
          signal,
        );
        made.push(await run(executor, script('ls -lR --time-style=+ /etc/passwd /in; id; umask; mkdir /out/d', { inputs })));
      } finally {
        process.umask(before);
      }
    }
    expect(made[0]).toMatchObject({ ended: { how: 'exited', status: 0 } });
    expect(made[0]).toEqual(made[1]);
  });

  test('commands at the same time share one checkout, and it goes with the last of them', async () => {
    const digest = await make('echo x > /out/file');
    const inputs = [{ name: 'i', ref: { kind: 'tree', digest } }] as const;
    const ends = await Promise.all([1, 2, 3].map(() => sh('stat -c %d:%i /in/i/file; sleep 0.2', { inputs })));
    expect(new Set(ends.map(({ stdout }) => stdout)).size).toBe(1);
    expect(workplaceNames().filter((name) => name.startsWith('input'))).toEqual([]);
  });

  const workplaceNames = (): readonly string[] => {
    const [only = ''] = readdirSync(join(folder, 'scratch')).filter((name) => name.startsWith('w-'));
    return readdirSync(join(folder, 'scratch', only));
  };

  test('nothing of a run remains, whatever its modes and depth', async () => {
    const before = workplaceNames();
    const kept = mkdtempSync(join(folder, 'kept-'));
    writeFileSync(join(kept, 'file'), '');
    chmodSync(kept, 0o711);
    await sh(`mkdir -p /tmp/a && ln -s ${kept} /tmp/a/link && ln -s ${kept} /out/link && chmod 0 /tmp/a`);
    expect([readdirSync(kept), statSync(kept).mode & 0o777]).toEqual([['file'], 0o711]);
    await sh('mkdir -p /tmp/x/y /tmp/z && touch /tmp/x/y/f && chmod 0 /tmp/x/y /tmp/x');
    await sh('cd /tmp; i=0; while [ $i -lt 600 ]; do mkdir 1234567890 && cd 1234567890; i=$((i+1)); done');
    expect(workplaceNames()).toEqual(before);
    expect((await sh('ls -A /tmp /out')).stdout).toBe('/out:\n\n/tmp:\n');
  });

  test('much output arrives whole and in order, also through /dev/stdout', async () => {
    const { stdout, stderr } = await sh('seq 1 300000; echo end > /dev/stdout; seq 1 1000 >/dev/stderr');
    expect(stdout).toBe(`${Array.from({ length: 300_000 }, (_, index) => `${index + 1}\n`).join('')}end\n`);
    expect(stderr.split('\n')).toHaveLength(1001);
  });

  test('many commands at a time do not mix', async () => {
    const ends = await Promise.all(Array.from({ length: 24 }, (_, index) => sh(`echo ${index}; echo ${index} > /out/f`)));
    expect(ends.map(({ stdout }) => stdout)).toEqual(Array.from({ length: 24 }, (_, index) => `${index}\n`));
    expect(new Set(ends.map(({ ended }) => outOf(ended))).size).toBe(24);
  });

  test('the environment is what is said and a fixed rest', async () => {
    const env = { A: "b c'\n=", TZ: 'Europe/Berlin' };
    const { stdout } = await sh('', { argv: ['env', '-0'], env, cwd: '/' });
    expect(stdout.split('\0').filter(Boolean).toSorted()).toEqual([
      "A=b c'\n=",
      'HOME=/tmp',
      'LC_ALL=C',
      'PATH=/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin',
      'PWD=/',
      'SOURCE_DATE_EPOCH=1',
      'TZ=Europe/Berlin',
    ]);
  });

  test('secrets are in memory files and variables, and nowhere else', async () => {
    const value = Buffer.from('correct-horse-battery');
    const secrets = [
      { name: 'a', value },
      { name: 'b', value, env: 'TOKEN' },
      { name: 'c', value, to: '/tmp/deep/token' },
    ];
    const text = [
      'test "$(cat /run/secrets/a)" = "$(printf correct-; printf h; echo orse-battery)" && test "$TOKEN" = "$(cat /run/secrets/a)" && echo both',
      'stat -c "%a %u" /run/secrets/a; cmp /run/secrets/a /tmp/deep/token && echo same',
      'echo x >> /run/secrets/a; cat /run/secrets/a; env | grep TOKEN; cat /run/secrets/a >&2; echo kept >/out/f; sleep 0.3',
    ].join('\n');
    const running = sh(text, { secrets });
    const seen: string[] = [];
    const looked = setInterval(() => seen.push(...bytesBelow(folder), ...commandLines()), 50);
    const { ended, stdout, stderr } = await running;
    clearInterval(looked);
    expect(stdout).toBe('both\n400 1000\nsame\n***TOKEN=***\n');
    expect(stderr).toMatch(/cannot create|Read-only|Permission denied/);
    expect(outOf(ended)).toBeDefined();
    expect(seen.length).toBeGreaterThan(0);
    for (const text of [...seen, ...bytesBelow(folder), stdout, stderr]) expect(text.includes('horse')).toBe(false);
  });

  test('a cache outlives its command; what is locked is used by one at a time', async () => {
    const cache = (share: 'shared' | 'locked'): Partial<Command> => ({
      caches: [{ name: `../${share}`, to: '/tmp/cache', share }],
    });
    const text = 'echo in >> /tmp/cache/log; sleep 0.1; echo out >> /tmp/cache/log; cat /tmp/cache/log';
    const both = async (share: 'shared' | 'locked'): Promise<string> => {
      await Promise.all([sh(text, cache(share)), sh(text, cache(share))]);
      return (await sh('cat /tmp/cache/log', cache(share))).stdout;
    };
    expect(await both('locked')).toBe('in\nout\nin\nout\n');
    expect(await both('shared')).toBe('in\nin\nout\nout\n');
  });

  test('what a command leaves in a cache cannot lead the next sandbox outside', async () => {
    const victim = join(folder, 'victim');
    mkdirSync(victim);
    chmodSync(victim, 0o777);
    const cache = { name: 'trap', to: '/tmp/cache', share: 'shared' } as const;
    await sh(`ln -s /oldroot${victim}/made /tmp/cache/token; ln -s ${victim}/made /tmp/cache/other`, { caches: [cache] });
    for (const to of ['/tmp/cache/token', '/tmp/cache/other', '/var/tmp/cache/token']) {
      const secrets = [{ name: 's', value: Buffer.from('secret'), to }];
      await expect(sh('true', { caches: [cache], secrets })).rejects.toMatchObject({ code: 'PK1003' });
    }
    expect(readdirSync(victim)).toEqual([]);
  });

  test('an abort ends the wait for a locked cache', async () => {
    const caches = [{ name: 'waited', to: '/tmp/cache', share: 'locked' }] as const;
    const holder = new AbortController();
    const started = Promise.withResolvers<void>();
    const holding = rig.executor.run(script('echo go; sleep 60', { caches }), {
      signal: holder.signal,
      output: () => started.resolve(),
    });
    await started.promise;
    await expect(run(rig.executor, script('true', { caches }), AbortSignal.timeout(80))).rejects.toThrow(/timeout/);
    holder.abort(new Error('enough'));
    await expect(holding).rejects.toThrow('enough');
  });

  test('a tree can be the whole root', async () => {
    const libraries = `for f in $(ldd /bin/sh /bin/ls /bin/cat | grep -o '/[^ ]*so[^ ]*'); do mkdir -p /out$(dirname $f); cp -L $f /out$f; done`;
    const text = `mkdir -p /out/bin /out/cache /out/locked; cp -L /bin/sh /bin/ls /bin/cat /out/bin; ${libraries}; ln -s /etc /out/link; chmod 555 /out`;
    const root = await make(text);
    const inside = await sh('ls /; echo x > /out/f; echo x > /new', { root });
    expect(inside.stdout.split('\n')).toEqual(
      expect.arrayContaining(['bin', 'cache', 'dev', 'in', 'lib', 'out', 'proc', 'run', 'tmp']),
    );
    expect(inside.stdout).not.toContain('usr\n');
    expect(inside.stderr).toContain('/new');
    const cacheAt = (to: string): Promise<Ran> => sh('echo kept', { root, caches: [{ name: 'c', to, share: 'shared' }] });
    expect((await cacheAt('/cache')).stdout).toBe('kept\n');
    await expect(cacheAt('/missing')).rejects.toMatchObject({ code: 'PK3107' });
    await expect(cacheAt('/link')).rejects.toMatchObject({ code: 'PK3107' });
    const twisted = await make('ln -s /etc /out/in');
    await expect(sh('true', { root: twisted })).rejects.toMatchObject({ code: 'PK3107' });
  });

  test('a limit of memory is kept, and told apart where control groups can be made', async () => {
    const text = `perl -e '$x = "x" x 300_000_000; print length $x'`;
    const { ended } = await sh(text, { memoryBytes: 64 << 20 });
    if (isRoot) expect(ended).toEqual({ how: 'out-of-memory' });
    else expect(ended).not.toMatchObject({ status: 0 });
    expect((await sh(text, { memoryBytes: 1 << 30 })).stdout).toBe('300000000');
  });

  test('a limit of processes is kept', async () => {
    const text = 'for i in 1 2 3 4 5 6 7 8 9; do sleep 5 & done; echo all';
    expect(await sh(text, { processes: 5 })).toMatchObject({ ended: { how: 'exited', status: 2 }, stdout: '' });
    expect((await sh('(true) & wait; echo all', { processes: 2 })).stdout).toBe('all\n');
  });

  test.each([
    [{ cwd: '/nowhere' }, 'PK3107'],
    [{ cwd: '../tmp' }, 'PK1003'],
    [{ argv: [] }, 'PK1003'],
    [{ argv: ['a\0b'] }, 'PK1003'],
    [{ env: { 'A=B': '' } }, 'PK1003'],
    [{ caches: [{ name: 'c', to: '/usr/nowhere', share: 'shared' }] }, 'PK1003'],
    [{ caches: [{ name: 'c', to: '/lib/modules', share: 'shared' }] }, 'PK1003'],
    [{ caches: [{ name: 'c', to: '/var/tmp/c', share: 'shared' }] }, 'PK1003'],
    [{ caches: [{ name: 'c', to: '/proc', share: 'shared' }] }, 'PK1003'],
    [{ caches: [{ name: 'c', to: '/tmp/../in', share: 'shared' }] }, 'PK1003'],
    [{ caches: [{ name: 'c', to: '/tmp', share: 'shared' }] }, 'PK1003'],
    [{ caches: ['/tmp/c', '/tmp/c/d'].map((to) => ({ name: to, to, share: 'shared' as const })) }, 'PK1003'],
    [{ caches: ['/tmp/c', '/tmp/c'].map((to, index) => ({ name: `${index}`, to, share: 'shared' as const })) }, 'PK1003'],
    [
      {
        caches: [{ name: 'c', to: '/tmp/c', share: 'shared' }],
        secrets: [{ name: 's', value: Buffer.from('x'), to: '/tmp/c/s' }],
      },
      'PK1003',
    ],
    [{ secrets: [{ name: '../../tmp/x', value: Buffer.from('x') }] }, 'PK1003'],
    [{ secrets: [{ name: 'x', value: Buffer.from('\0'), env: 'X' }] }, 'PK1003'],
    [{ inputs: [{ name: '..', ref: { kind: 'blob', digest: '' as Digest } }] }, 'PK1003'],
    [{ timeoutMs: 0 }, 'PK1003'],
    [{ argv: ['x'.repeat(200_000)] }, 'PK1003'],
  ] as [Partial<Command>, string][])('refusal %# of what no sandbox can be made from', async (change, code) => {
    await expect(sh('true', change)).rejects.toMatchObject({ code });
  });

  test('a time limit beyond what a timer takes is none', async () => {
    expect((await sh('echo here', { timeoutMs: 2 ** 40 })).stdout).toBe('here\n');
  });

  test('with a network, a command sees that of the host', async () => {
    const server = createServer((socket) => socket.end('from the host\n'));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const address = server.address();
    const port = typeof address === 'object' && address !== null ? address.port : 0;
    const text = `perl -MIO::Socket::INET -e 'print IO::Socket::INET->new("127.0.0.1:${port}")->getline'`;
    expect((await sh(text, { network: true })).stdout).toBe('from the host\n');
    expect((await sh(text)).stdout).toBe('');
    server.close();
  });

  test('a program that is not there is a failure of the step', async () => {
    const { ended, stderr } = await sh('', { argv: ['no-such-program'] });
    expect(ended).toEqual({ how: 'exited', status: 127 });
    expect(stderr).toContain('no-such-program');
  });

  test('without bwrap nothing runs, and its package is named', async () => {
    const folders = { scratch: join(folder, 'scratch'), caches: join(folder, 'caches') };
    const options = { store: rig.store, spawner: rig.spawner, folders, bwrap: '/nowhere/bwrap', keepBytes: 0 };
    await using executor = await createLocalExecutor(options, signal);
    await expect(run(executor, script('true'))).rejects.toMatchObject({ code: 'PK6901', hint: 'apt-get install -y bubblewrap' });
  });

  test('what a killed process left is cleared away by the next', async () => {
    const own = mkdtempSync(join(folder, 'killed-'));
    const program = new URL('./program.ts', import.meta.url).pathname;
    const child = spawn(process.execPath, [program, own, 'hold', '777000777'], { stdio: ['ignore', 'pipe', 'inherit'] });
    await new Promise((resolve) => child.stdout.once('data', resolve));
    const exited = new Promise((resolve) => child.once('exit', resolve));
    const scratch = join(own, 'scratch');
    const left = readdirSync(scratch).filter((name) => name.startsWith('w-'));
    const place = { user: undefined, discard: async (path: string) => rmSync(path, { recursive: true }), signal };
    await using first = await openWorkplace(scratch, place);
    expect(left.map((name) => existsSync(join(scratch, name)))).toEqual([true]);
    child.kill('SIGKILL');
    await exited;
    await using second = await openWorkplace(scratch, place);
    expect(left.map((name) => existsSync(join(scratch, name)))).toEqual([false]);
    expect([first, second].map((one) => existsSync(one.folder))).toEqual([true, true]);
  });

  test('a scratch folder that others may change is refused and left as it is', async () => {
    const place = { user: undefined, discard: () => Promise.resolve(), signal };
    const open = join(folder, 'open');
    mkdirSync(open);
    chmodSync(open, 0o1777);
    await expect(openWorkplace(open, place)).rejects.toMatchObject({ code: 'PK3109' });
    expect([readdirSync(open), statSync(open).mode & 0o7777]).toEqual([[], 0o1777]);
    chmodSync(open, 0o755);
    await using workplace = await openWorkplace(open, place);
    expect([existsSync(workplace.folder), statSync(open).mode & 0o7777]).toEqual([true, 0o755]);
  });

  test('a scratch folder that root’s stand-in cannot reach, or others can swap, is refused', async (context) => {
    context.skip(!isRoot, 'only root has a stand-in');
    const closed = join(folder, 'closed');
    mkdirSync(join(closed, 'scratch'), { recursive: true });
    chmodSync(closed, 0o700);
    const place = { user: { uid: 64_321, gid: 64_321 }, discard: () => Promise.resolve(), signal };
    await expect(openWorkplace(join(closed, 'scratch'), place)).rejects.toMatchObject({ code: 'PK3109' });
    chmodSync(closed, 0o777);
    await expect(openWorkplace(join(closed, 'scratch'), place)).rejects.toMatchObject({ code: 'PK3109' });
    chmodSync(closed, 0o755);
    symlinkSync('/etc', join(closed, 'link'));
    await expect(openWorkplace(join(closed, 'link'), place)).rejects.toMatchObject({ code: 'PK3109' });
    chownSync(closed, 64_999, 64_999);
    await expect(openWorkplace(join(closed, 'new'), place)).rejects.toMatchObject({ code: 'PK3109' });
  });
});

function outOf(ended: Ended): Digest {
  if (ended.how !== 'exited' || ended.out === undefined) throw new Error(`No output: ${JSON.stringify(ended)}`);
  return ended.out;
}

/** The bytes of every file below a folder. */
function bytesBelow(folder: string): readonly string[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' }).flatMap((name) => {
    const path = join(folder, name);
    try {
      return statSync(path).isFile() ? [readFileSync(path, 'latin1')] : [];
    } catch {
      return [];
    }
  });
}

/** The arguments and environment of every process that shows them. */
function commandLines(): readonly string[] {
  const pids = readdirSync('/proc').filter((name) => /^\d+$/.test(name));
  return pids.map((pid) => {
    try {
      return readFileSync(`/proc/${pid}/cmdline`, 'latin1');
    } catch {
      return '';
    }
  });
}
