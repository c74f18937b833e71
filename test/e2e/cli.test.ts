import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  existsSync,
  globSync,
  mkdirSync,
  mkdtempSync,
  readlinkSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, expect, test } from 'vitest';
import { hexOf } from '../../src/base/digest.ts';
import { openStoreAt } from '../../src/wiring.ts';
import { selfCheck } from '../../src/cli/self-check.ts';

const folder = mkdtempSync(join(tmpdir(), 'portkit-cli-'));
const root = join(folder, 'store');
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const environment = { PATH: process.env['PATH'], HOME: folder, PORTKIT_ROOT: root };
interface Done {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

function portkit(...args: readonly string[]): Done {
  return portkitWith({}, ...args);
}

function portkitWith(changed: Readonly<Record<string, string | undefined>>, ...args: readonly string[]): Done {
  return spawnSync('sh', ['bin/portkit', ...args], { encoding: 'utf8', env: { ...environment, ...changed } });
}

/** Runs a line of shell with `portkit` in it. */
function shell(line: string): Done {
  return spawnSync('sh', ['-c', `portkit() { sh bin/portkit "$@"; }; ${line}`], { encoding: 'utf8', env: environment });
}

test('--version and --help', () => {
  expect(portkit('--version')).toMatchObject({
    status: 0,
    stdout: expect.stringMatching(/^portkit \d+\.\d+\.\d+\n$/),
    stderr: '',
  });
  expect(portkit('--help').stdout).toContain('Usage: portkit COMMAND');
  expect(portkit('help', 'cache').stdout).toContain('--max-size SIZE');
  expect(portkit('cache', '--help').stdout).toContain('--max-size SIZE');
});

test.each([
  [['cahce'], /PK1001.*Unknown command "cahce"[^]*Did you mean "portkit cache"/],
  [['cache', 'verfy'], /PK1001[^]*Did you mean "portkit cache verify"/],
  [['cache', 'du', '--jsno'], /PK1001[^]*Did you mean "--json"/],
  [['cache', 'prune', '--max-size', '10 gigs'], /PK1004/],
  [['cache', 'prune', '--keep', '7 moons'], /PK1004/],
  [['cache', 'verify', '--subset', '5/4'], /PK1004/],
  [['explain', 'PK9999'], /PK1001/],
  [['explain', 'PK2001', 'PK2002'], /PK1001.*"PK2002"/],
  [['doctor', 'nonsense'], /PK1001.*"nonsense"/],
  [['constructor'], /PK1001.*Unknown command "constructor"/],
  [['cache', 'du', '--constructor'], /PK1001.*Unknown option --constructor/],
  [['cache', 'constructor'], /PK1001/],
  [['cache', 'verify', '--dry-run', '--repair'], /PK1001.*does not take --dry-run[^]*"portkit cache prune"/],
  [['cache', 'ls', '--subset', '1/2'], /PK1001.*does not take --subset[^]*"portkit cache verify"/],
  [['cache', 'verify', 'repair'], /PK1001.*does not take "repair"[^]*Did you mean "--repair"/],
  [['cache', 'ls', '--', '--json'], /PK1001.*does not take "--json"/],
  [['cache', 'ls', '-j'], /PK1001.*Unknown option -j /],
  [['cache', 'ls', '--json=yes'], /PK1001.*--json.*wrong or no value/],
  [['cache', 'ls', '--root'], /PK1001.*--root.*wrong or no value/],
  [['build', '--output'], /PK1001.*The option --output .*wrong or no value/],
  [['--verison'], /PK1001[^]*Did you mean "portkit --version"/],
  [['cache'], /PK1001.*needs a verb/],
  [['help', 'cache', 'verify'], /PK1001.*"verify" is one word too many/],
  [['--version', 'please'], /PK1001.*"please" is one word too many/],
  [['--help', 'cache'], /PK1001.*"cache" is one word too many/],
  [['cache', 'du', '--root', ''], /PK1004/],
])('%j is refused with a code and a hint, exit 2', (args, message) => {
  const done = portkit(...args);
  expect(done.stderr).toMatch(message);
  expect(done.stderr).toContain('= help:');
  expect(done.stderr).not.toMatch(/^\s+at /m);
  expect(done).toMatchObject({ status: 2, stdout: '' });
});

test('every error code has a long form', () => {
  for (const code of portkit('explain').stdout.match(/^PK\d{4}/gm) ?? []) {
    expect(portkit('explain', code)).toMatchObject({ status: 0, stdout: expect.stringContaining(`${code}: `) });
  }
});

test('cache verbs answer in JSON', () => {
  expect(JSON.parse(portkit('cache', 'du', '--json').stdout)).toMatchObject({ bytes: expect.any(Number) });
  expect(JSON.parse(portkit('cache', 'ls', '--json').stdout)).toEqual({ blobs: [] });
  expect(JSON.parse(portkit('cache', 'verify', '--json').stdout)).toEqual({ checked: 0, bytes: 0, findings: [] });
  expect(JSON.parse(portkit('cache', 'prune', '--json').stdout)).toEqual({ blobs: 0, records: 0, bytes: 0 });
  expect(JSON.parse(portkit('cache', 'rebuild-index', '--json').stdout)).toEqual({ blobs: 0, records: 0, tags: 0 });
});

test('a root that is a file, and a newer store, are refused', () => {
  const file = join(folder, 'file');
  writeFileSync(file, '');
  expect(portkit('cache', 'du', '--root', file)).toMatchObject({ status: 2, stderr: expect.stringContaining('PK2006') });
  const newer = join(folder, 'newer');
  mkdirSync(join(newer, 'v7'), { recursive: true });
  expect(portkit('cache', 'du', '--root', newer)).toMatchObject({ status: 69, stderr: expect.stringContaining('PK2005') });
});

test('a wrong command line makes no store', () => {
  const fresh = join(folder, 'fresh');
  expect(portkit('cache', 'prune', '--root', fresh, '--max-size', 'nope').status).toBe(2);
  expect(existsSync(fresh)).toBe(false);
});

test('a store with nothing in it lists nothing', () => {
  expect(portkit('cache', 'ls', '--root', join(folder, 'empty'))).toMatchObject({ status: 0, stdout: '' });
});

test('a reader that leaves is met quietly, and does not hide that the store is corrupt', async () => {
  const damaged = join(folder, 'damaged');
  await using store = openStoreAt(damaged);
  const content = Readable.from([Buffer.alloc(300_000, 1)]);
  const { digest } = await store.blobs.write(content, new AbortController().signal);
  const path = join(store.directory, 'blobs/sha256', hexOf(digest));
  chmodSync(path, 0o600);
  writeFileSync(path, Buffer.alloc(300_000, 2));
  expect(portkit('cache', 'verify', '--root', damaged).status).toBe(7);
  // The pipe's reader has left before portkit starts: the shell waits for the fifo, which it opens once it has.
  const fifo = join(folder, 'fifo');
  execFileSync('mkfifo', [fifo]);
  const done = shell(
    `{ read -r go; portkit cache verify --root '${damaged}'; echo $? >&3; } 3>&2 <'${fifo}' | { exec <&-; echo go >'${fifo}'; }`,
  );
  expect(done.stderr).toBe('7\n');
});

test.each(['--version', '--help', 'explain', 'cache du'])(
  'a result of "%s" that cannot be written is an error, not a bug',
  (args) => {
    expect(shell(`portkit ${args} >/dev/full`)).toMatchObject({ status: 69, stderr: expect.stringMatching(/^error\[PK2007\]/) });
    expect(shell(`portkit ${args} >/dev/full`).stderr).not.toMatch(/^\s+at /m);
  },
);

test('a tar whose reader leaves, or that has no room, is an error and not a bug', () => {
  const build = 'portkit build --quiet --file examples/rootfs/portkit.toml --output -';
  const left = shell(`{ ${build} 2>&3; echo $? >&3; } 3>&2 | head -c 1 >/dev/null`);
  expect(left.stderr).toMatch(/error\[PK3406\].*its reader left before the end \(EPIPE\)\n[^]*\n69\n$/);
  expect(shell(`${build} >/dev/full`)).toMatchObject({ status: 69, stderr: expect.stringMatching(/^error\[PK2007\]/m) });
});

test('an error that cannot be written still has its status', () => {
  expect(shell('portkit cahce 2>/dev/full').status).toBe(2);
});

test('without a command the help goes to standard error', () => {
  expect(portkit()).toMatchObject({ status: 2, stdout: '', stderr: expect.stringContaining('Usage: portkit COMMAND') });
});

test('the store is where XDG says, unless what it says is relative', () => {
  const place = (changed: Readonly<Record<string, string>>): unknown =>
    JSON.parse(portkitWith({ PORTKIT_ROOT: undefined, ...changed }, 'cache', 'du', '--json').stdout).directory;
  expect(place({ XDG_CACHE_HOME: join(folder, 'xdg') })).toBe(join(folder, 'xdg/portkit/v1'));
  expect(place({ XDG_CACHE_HOME: 'relative' })).toBe(join(folder, '.cache/portkit/v1'));
  expect(place({ XDG_CACHE_HOME: '', PORTKIT_ROOT: '' })).toBe(join(folder, '.cache/portkit/v1'));
  expect(existsSync('relative')).toBe(false);
  const homeless = portkitWith({ PORTKIT_ROOT: undefined, HOME: '' }, 'cache', 'du');
  expect(homeless).toMatchObject({ status: 2, stderr: expect.stringContaining('PK2006') });
});

test('stacks are printed when asked for, and only then', () => {
  const wrong = ['explain', 'PK9999'] as const;
  expect(portkit(...wrong).stderr).not.toMatch(/^\s+at /m);
  for (const done of [
    portkit(...wrong, '--debug'),
    portkit('--debug', ...wrong),
    portkitWith({ PORTKIT_DEBUG: '1' }, ...wrong),
  ]) {
    expect(done).toMatchObject({ status: 2, stderr: expect.stringMatching(/^error\[PK1001\][^]*= stack: [^]*^\s+at /m) });
  }
});

test('what is thrown outside of every command is a bug with a code', () => {
  const late =
    'const t = setInterval(() => { if (process.listenerCount("uncaughtException")) { clearInterval(t); throw Error("late"); } }, 1)';
  const done = portkitWith({ NODE_OPTIONS: `--import=data:text/javascript,${encodeURIComponent(late)}` }, 'explain');
  expect(done).toMatchObject({ status: 70, stderr: expect.stringMatching(/^error\[PK7001\]: late\n {2}= help: .*--debug\n$/) });
});

test('names from the outside cannot steer the terminal', () => {
  const { stderr } = portkit('cache', 'du', '--root', join(folder, 'no\u001b[31m/\u009b'));
  expect(stderr.includes('\u001b') || stderr.includes('\u009b')).toBe(false);
});

test('the launcher starts through a link, from anywhere, and tells of a Node that cannot run', () => {
  const link = join(folder, 'link');
  symlinkSync(join(process.cwd(), 'bin/portkit'), link);
  for (const [command, cwd] of [
    [link, '/'],
    ['./link', folder],
    ['portkit', 'bin'],
  ] as const) {
    expect(spawnSync('sh', [command, '--version'], { cwd, encoding: 'utf8', env: environment }).stdout).toMatch(/^portkit \d/);
  }
  const wrong = portkitWith({ PORTKIT_NODE: join(folder, 'no-node') }, '--version');
  expect(wrong).toMatchObject({ status: 69, stderr: expect.stringMatching(/^error\[PK6901\].*no-node/) });
});

test('a signal cancels with its own status, never as a failed check', async () => {
  const large = join(folder, 'large');
  {
    await using store = openStoreAt(large);
    const { digest } = await store.blobs.write(Readable.from([Buffer.alloc(300_000, 1)]), new AbortController().signal);
    const path = join(store.directory, 'blobs/sha256', hexOf(digest));
    chmodSync(path, 0o600);
    truncateSync(path, 2 ** 40);
    using index = new DatabaseSync(join(store.directory, 'index.db'));
    index.exec(`UPDATE blobs SET size = ${2 ** 40}`);
  }
  async function signalled(...signals: readonly NodeJS.Signals[]): Promise<unknown> {
    const child = spawn('sh', ['bin/portkit', 'cache', 'verify', '--root', large], { env: environment });
    const stderr = child.stderr.setEncoding('utf8').toArray();
    const ended = once(child, 'exit');
    while (!opened(child.pid).some((path) => path.includes('/blobs/sha256/'))) await sleep(5);
    for (const signal of signals) child.kill(signal);
    return [...(await ended), (await stderr).join('')];
  }
  expect(await signalled('SIGINT')).toEqual([130, null, 'error[PK9001]: Cancelled by SIGINT\n']);
  expect(await signalled('SIGTERM')).toEqual([143, null, 'error[PK9001]: Cancelled by SIGTERM\n']);
});

/** The files a process has open. */
function opened(pid: number | undefined): readonly string[] {
  return globSync(`/proc/${pid}/fd/*`).flatMap((link) => {
    try {
      return [readlinkSync(link)];
    } catch {
      return [];
    }
  });
}

test('a cancelled self-check says so', async () => {
  const signal = AbortSignal.abort(new Error('cancelled'));
  const check = selfCheck({ root: join(folder, 'cancelled'), openStore: openStoreAt, signal });
  await expect(check).rejects.toThrow('cancelled');
});

test('the self-check passes', () => {
  const done = portkit('doctor', '--json');
  const { checks } = JSON.parse(done.stdout) as { checks: readonly { name: string; ok: boolean }[] };
  expect(checks.filter((check) => check.name.startsWith('store:') && !check.ok)).toEqual([]);
});
