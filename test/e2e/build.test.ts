import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';

let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'portkit-build-'));
  mkdirSync(join(folder, 'src/deep'), { recursive: true });
  writeFileSync(join(folder, 'src/name'), 'world\n');
  writeFileSync(join(folder, 'src/deep/more'), 'more\n');
});

afterEach(() => rmSync(folder, { recursive: true, force: true }));

const scratch = `/var/tmp/portkit-test-${process.pid}`;

function environment() {
  return { PATH: process.env['PATH'], HOME: folder, PORTKIT_ROOT: join(folder, 'store'), PORTKIT_SCRATCH: scratch };
}

function portkit(...args: readonly string[]) {
  return spawnSync('sh', [join(process.cwd(), 'bin/portkit'), ...args], { encoding: 'utf8', cwd: folder, env: environment() });
}

function define(text: string): void {
  writeFileSync(join(folder, 'portkit.toml'), text);
}

const greeting = `
[steps.hello]
exec = { script = "cat /in/src/name > /out/hello; echo greeted", inputs = { src = "local:src" } }
[steps.root]
tree = [{ copy = "step:hello", to = "/" }, { write = "/etc/hostname", text = "host\\n" }]
[steps.packed]
archive = { from = "step:root" }
`;

describe('build', () => {
  test('makes what is not known, says why, and then nothing', () => {
    define(greeting);
    const first = portkit('build', '--output', 'out');
    expect(first).toMatchObject({ status: 0, stdout: expect.stringMatching(/^sha256:[0-9a-f]{64} {2}file {2}packed\n$/) });
    expect(first.stderr).toContain('hello: started: new');
    expect(existsSync(join(folder, 'out/packed'))).toBe(true);
    const second = portkit('build');
    expect(second).toMatchObject({ status: 0, stdout: first.stdout });
    expect(second.stderr).toContain('built 0 of 4 steps');
    writeFileSync(join(folder, 'src/name'), 'moon\n');
    expect(portkit('plan').stdout).toMatch(
      /^run {4}hello: input local:src changed[^]*maybe {2}root[^]*1 to run, 2 that may have to, 1 known\n$/,
    );
    expect(portkit('build', '--expect-cached')).toMatchObject({ status: 3, stderr: expect.stringContaining('PK3003') });
    expect(portkit('build').stderr).toContain('hello: started: input local:src changed');
    expect(portkit('why', 'hello').stdout).toMatch(/because:\n {2}input local:src changed[^]*~ name \(content\)/);
    writeFileSync(join(folder, 'src/name'), 'world\n');
    expect(portkit('build', '--quiet')).toMatchObject({ status: 0, stdout: `${first.stdout.slice(0, 71)}\n`, stderr: '' });
  });

  test('a touched source runs nothing, a new one that changes no result stops there', () => {
    define(greeting);
    expect(portkit('build').status).toBe(0);
    writeFileSync(join(folder, 'src/name'), 'world\n');
    expect(portkit('build', '--expect-cached').status).toBe(0);
    writeFileSync(join(folder, 'src/deep/unused'), 'new');
    const done = portkit('build');
    expect(done.stderr).toMatch(/hello: started: input local:src changed[^]*built 1 of 4 steps/);
  });

  test('--check finds what is not reproducible, and names it', () => {
    define(`
[steps.stable]
exec = { script = "echo same > /out/file" }
[steps.random]
exec = { script = "cat /proc/sys/kernel/random/uuid > /out/uuid; echo same > /out/same" }
`);
    expect(portkit('build').status).toBe(0);
    expect(portkit('build', 'stable', '--check').status).toBe(0);
    const check = portkit('build', '--check');
    expect(check).toMatchObject({
      status: 7,
      stderr: expect.stringMatching(/random gave other bytes:\n {2}~ uuid \(content\)\n/),
    });
    expect(check.stderr).not.toContain('stable gave');
  });

  test('a failed step is told with its place, its last lines and its log; what does not need it is made with --keep-going', () => {
    define(`
[steps.bad]
exec = { script = "echo the reason >&2; exit 3" }
[steps.after]
exec = { script = "true", inputs = { bad = "step:bad" } }
[steps.good]
tree = [{ write = "/a", text = "a" }]
`);
    const done = portkit('build', '--keep-going');
    expect(done.status).toBe(1);
    expect(done.stdout).toMatch(/ good\n$/);
    expect(done.stderr).toMatch(
      /error\[PK3101\]: step bad: \/bin\/sh ended with status 3\n {2}--> portkit.toml:2:8[^]*the reason[^]*= log: /,
    );
    const [, log = ''] = /= log: (.*)/.exec(done.stderr) ?? [];
    expect(readFileSync(log, 'utf8')).toBe('the reason\n');
    expect(portkit('why').stdout).toContain('failed bad');
  });

  test('wrong definitions and command lines are refused before any work, with exit 2', () => {
    define('[steps.a]\nexce = {}\n');
    expect(portkit('build')).toMatchObject({ status: 2, stderr: expect.stringMatching(/PK1102[^]*portkit.toml:2:1[^]*exec/) });
    expect(existsSync(join(folder, 'store'))).toBe(false);
    define(greeting);
    for (const args of [
      ['--set', 'x'],
      ['--set', 'x=1'],
      ['--jobs', '0'],
      ['--output', 'typ=x'],
      ['--check', '--no-cache'],
      ['nothing'],
      ['--progress', 'x'],
    ]) {
      expect([args, portkit('build', ...args).status]).toEqual([args, 2]);
    }
    rmSync(join(folder, 'portkit.toml'));
    expect(portkit('check')).toMatchObject({ status: 2, stderr: expect.stringContaining('portkit.toml') });
  });

  test('events come as JSON, one a line, and results as a file', () => {
    define(greeting);
    const done = portkit('build', '--progress', 'json', '--metadata-file', 'meta.json', '--json');
    const events = done.stderr
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as { v: number; type: string });
    expect(events.every(({ v }) => v === 1)).toBe(true);
    expect(events.map(({ type }) => type)).toEqual(
      expect.arrayContaining(['build.started', 'step.started', 'output', 'build.finished']),
    );
    expect(JSON.parse(readFileSync(join(folder, 'meta.json'), 'utf8'))).toEqual(JSON.parse(done.stdout));
    const { steps, wanted } = JSON.parse(done.stdout) as { steps: { step: string }[]; wanted: Record<string, string> };
    const made = steps.find(({ step }) => step === Object.values(wanted)[0]);
    expect(made).toMatchObject({ state: 'done', why: 'new', ms: expect.any(Number) });
  });

  test('a definition may be a program', () => {
    writeFileSync(
      join(folder, 'portkit.ts'),
      `import { graph } from 'portkit';
export default graph(({ tree }) => ({ root: tree('root', [{ write: '/a', text: 'a' }]) }));`,
    );
    define('[steps.root]\ntree = [{ write = "/a", text = "a" }]\n');
    expect(portkit('build', '--file', 'portkit.ts', '--quiet').stdout).toBe(portkit('build', '--quiet').stdout);
    writeFileSync(join(folder, 'portkit.ts'), 'throw new Error("oops")');
    expect(portkit('build', '--file', 'portkit.ts')).toMatchObject({ status: 2, stderr: expect.stringContaining('oops') });
  });

  test('Ctrl-C ends the commands and the build; what was done is kept', async () => {
    define(`
[steps.first]
exec = { script = "echo first > /out/x" }
[steps.slow]
exec = { script = "echo started; sleep 1000", inputs = { first = "step:first" } }
`);
    const child = spawn('sh', [join(process.cwd(), 'bin/portkit'), 'build', '--progress', 'json'], {
      cwd: folder,
      env: environment(),
    });
    let told = '';
    child.stderr.setEncoding('utf8').on('data', (text: string) => (told += text));
    while (!told.includes('"text":"started')) await sleep(20);
    child.kill('SIGINT');
    expect(await once(child, 'exit')).toEqual([130, null]);
    define('[steps.first]\nexec = { script = "echo first > /out/x" }\n');
    expect(portkit('build', '--expect-cached').status).toBe(0);
    expect(spawnSync('pgrep', ['-f', 'sleep 1000']).status).toBe(1);
  });

  test('two processes do the same work once', async () => {
    define('[steps.slow]\nexec = { script = "sleep 1; cat /proc/sys/kernel/random/uuid > /out/id" }\n');
    const both = [1, 2].map(() =>
      spawn('sh', [join(process.cwd(), 'bin/portkit'), 'build', '-q'], { cwd: folder, env: environment() }),
    );
    const texts = await Promise.all(both.map((child) => child.stdout.setEncoding('utf8').toArray()));
    expect(texts[0]).toEqual(texts[1]);
    expect(texts[0]?.join('')).toMatch(/^sha256:/);
  });

  test('a build of nothing writes one line and syncs nothing', ({ skip }) => {
    skip(spawnSync('strace', ['-V']).status !== 0, 'strace is not installed');
    define(greeting);
    expect(portkit('build').status).toBe(0);
    expect(portkit('build').status).toBe(0);
    const history = join(folder, 'store/v1/history.jsonl');
    const before = statSync(history).size;
    const traced = join(folder, 'trace');
    const args = ['-f', '-y', '-e', 'trace=fsync,fdatasync,sync_file_range,syncfs,write,pwrite64,rename,unlink', '-o', traced];
    spawnSync('strace', [...args, 'sh', join(process.cwd(), 'bin/portkit'), 'build', '-q'], { cwd: folder, env: environment() });
    const calls = readFileSync(traced, 'utf8').split('\n');
    expect(calls.filter((line) => /\b(?:fsync|fdatasync|syncfs|sync_file_range)\(/.test(line))).toEqual([]);
    const writes = calls.filter((line) => /\b(?:write|pwrite64)\(/.test(line) && line.includes(join(folder, 'store')));
    expect(writes.filter((line) => !line.includes('index.db-shm'))).toHaveLength(1);
    expect(statSync(history).size).toBeGreaterThan(before);
  });
});
