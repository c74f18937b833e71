import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { chmodSync, cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { connectAgent } from '../../src/boot/agent-connection.ts';
import type { AgentConnection } from '../../src/boot/agent-connection.ts';
import { hello, info, readGuestFile, runInGuest, sha256, shutDown, stat, writeGuestFile } from '../../src/boot/agent-requests.ts';
import { compileAgent, noCompiler, startAgent } from './agent-program.ts';
import type { RunningAgent } from './agent-program.ts';

const missing = noCompiler('release');
if (missing !== undefined) test('the agent', ({ skip }) => skip(missing));

describe.skipIf(missing !== undefined)('the agent on a unix socket', () => {
  const folder = mkdtempSync(join(tmpdir(), 'portkit-agent-'));
  const root = join(folder, 'root');
  let running: RunningAgent;
  let firstBytes: Buffer;
  let agent: AgentConnection;
  const signal = AbortSignal.timeout(50_000);
  const ask = () => ({ agent, signal });
  const run = (argv: string[], more = {}) => runInGuest(ask(), { argv, timeoutMs: 5000, maxOutput: 1000, ...more });

  beforeAll(async () => {
    mkdirSync(root);
    const program = compileAgent(folder, 'release');
    firstBytes = readFileSync(program);
    running = await startAgent(program, folder);
    agent = connectAgent(await running.connect());
  });
  afterAll(async () => {
    agent.close();
    await running.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  test('has the same bytes wherever it is compiled', () => {
    const elsewhere = join(folder, 'elsewhere');
    mkdirSync(elsewhere);
    cpSync('guest-agent', join(elsewhere, 'guest-agent'), { recursive: true });
    const again = compileAgent(elsewhere, 'release', { cwd: elsewhere });
    expect(readFileSync(again).equals(firstBytes)).toBe(true);
  });

  test('gives the nonce back', async () => {
    expect(await hello(ask(), 'né "😀"\\')).toMatchObject({ initMs: 0 });
    expect(await agent.ask('ping', { nonce: 'x' }, signal)).toEqual({ id: expect.any(Number), nonce: 'x' });
    await expect(agent.ask('ping', { nonce: 'x'.repeat(129) }, signal)).rejects.toMatchObject({ code: 'PK3804' });
  });

  test('says what it runs on', async () => {
    const about = await info(ask());
    expect(about.cpus).toBeGreaterThan(0);
    expect(about.memory).toBeGreaterThan(1e6);
    expect(about.machine).toBe({ x64: 'x86_64', arm64: 'aarch64' }[process.arch as string]);
  });

  test.each([0, 1, 55, 56, 63, 64, 65, 32_767, 32_768, 32_769, 100_000])('writes, reads and hashes %i bytes', async (size) => {
    const path = join(folder, 'file');
    const bytes = Buffer.from(Array.from({ length: size }, (_, at) => (at * 31) & 255));
    await writeGuestFile(ask(), path, bytes);
    expect(readFileSync(path).equals(bytes)).toBe(true);
    expect((await readGuestFile(ask(), path, size)).equals(bytes)).toBe(true);
    expect(await sha256(ask(), path)).toEqual({ size, sha256: createHash('sha256').update(bytes).digest('hex') });
    if (size > 0) await expect(readGuestFile(ask(), path, size - 1)).rejects.toMatchObject({ code: 'PK3804' });
  });

  test('looks at files without following links', async () => {
    const path = join(folder, 'looked');
    writeFileSync(path, 'abc');
    chmodSync(path, 0o640);
    symlinkSync('looked', join(folder, 'link'));
    expect(await stat(ask(), path)).toEqual({ type: 'file', size: 3, mode: 0o640 });
    expect(await stat(ask(), join(folder, 'link'))).toMatchObject({ type: 'symlink', target: Buffer.from('looked') });
    expect(await stat(ask(), folder)).toMatchObject({ type: 'directory' });
    expect(await stat(ask(), '/dev/null')).toMatchObject({ type: 'character-device' });
    await expect(stat(ask(), join(folder, 'none'))).rejects.toThrow('("not-found")');
    await expect(sha256(ask(), '/dev/zero')).rejects.toThrow('no regular file');
    await expect(sha256(ask(), folder)).rejects.toThrow('no regular file');
    await expect(stat(ask(), 'relative')).rejects.toThrow('("bad-request")');
    expect(statSync(join(folder, 'agent.sock')).mode & 0o777).toBe(0o600);
  });

  test('runs commands', async () => {
    expect(await run(['sh', '-c', 'echo out; echo err >&2; exit 3'])).toEqual({
      status: 3,
      signal: 0,
      timedOut: false,
      truncated: false,
      stdout: Buffer.from('out\n'),
      stderr: Buffer.from('err\n'),
    });
    expect(await run(['/none'])).toMatchObject({ status: 127 });
    expect(await run(['/etc'])).toMatchObject({ status: 126 });
    expect(await run(['sh', '-c', 'kill -11 $$'])).toMatchObject({ status: 0, signal: 11 });
    expect(await run(['cat'])).toMatchObject({ status: 0, stdout: Buffer.alloc(0) });
  });

  test('ends commands that take too long or say too much, with what they started', async () => {
    expect(await run(['sh', '-c', 'echo a; sleep 60 & sleep 60'], { timeoutMs: 200 })).toMatchObject({
      signal: 9,
      timedOut: true,
      stdout: Buffer.from('a\n'),
    });
    expect(await run(['sh', '-c', 'while :; do echo aaaaaaaaaaaa; done'])).toMatchObject({
      truncated: true,
      stdout: expect.objectContaining({ length: 1000 }),
    });
    const left = await run(['sh', '-c', 'sleep 60 & echo $!']);
    expect(left).toMatchObject({ status: 0, timedOut: false });
    // A zombie, when nobody reaps, has no command line.
    await expect.poll(() => commandLine(Number(left.stdout.toString()))).toBe('');
  });

  test('keeps paths below its root', async () => {
    const inner = mkdtempSync(join(folder, 'inner-'));
    writeFileSync(join(folder, 'secret'), 'secret');
    writeFileSync(join(root, 'file'), 'in the root');
    symlinkSync('../../../../secret', join(root, 'up'));
    symlinkSync('/file', join(root, 'absolute'));
    const rooted = await startAgent(join(folder, 'agent-release'), inner, root);
    const asking = { agent: connectAgent(await rooted.connect()), signal };
    try {
      expect((await readGuestFile(asking, '/absolute', 100)).toString()).toBe('in the root');
      await expect(readGuestFile(asking, '/up', 100)).rejects.toThrow('("not-found")');
      await expect(readGuestFile(asking, '/../secret', 100)).rejects.toThrow('("not-found")');
      await shutDown(asking, 'power-off');
      expect(await rooted.exited).toBe(0);
    } finally {
      asking.agent.close();
      await rooted.stop();
    }
  });

  test.each([
    ['', undefined],
    ['{"id":1}', 'bad-frame'],
    ['[]', 'bad-frame'],
    ['{"id":1,"op":"info","id":2}', 'bad-frame'],
    ['{"id":1,"op":"info"} x', 'bad-frame'],
    ['{"id":1,"op":"ping","nonce":"\\u0000"}', 'bad-frame'],
    ['{"id":01,"op":"info"}', 'bad-frame'],
    ['{"id":1,"op":"none"}', 'bad-request'],
    ['{"id":1,"op":"info","path":"/"}', 'bad-request'],
    ['{"id":1,"op":"exec","argv":["true"],"env":"A=1"}', 'bad-request'],
    ['{"id":1,"op":"exec","argv":[]}', 'bad-request'],
    ['{"id":1,"op":"exec","argv":["true"],"max_output":32769}', 'too-large'],
    ['{"id":1,"op":"write","path":"/tmp/x","data":"a"}', 'bad-request'],
    ['{"id":1,"op":"write","path":"/tmp/x","data":"aa=a"}', 'bad-request'],
    ['{"id":1,"op":"write","path":"/tmp/x","data":"aR=="}', 'bad-request'],
    [`{"id":1,"op":"ping","nonce":"${'x'.repeat(70_000)}"}`, 'bad-frame'],
    [`{"id":1,"op":"exec","argv":[${'"a",'.repeat(128)}"a"]}`, 'bad-frame'],
  ])('refuses %j and goes on', async (line, code) => {
    const raw = await running.connect();
    raw.write(`${line}\n{"id":7,"op":"ping","nonce":"after"}\n`);
    const lines: Record<string, unknown>[] = [];
    let text = '';
    while (lines.at(-1)?.['id'] !== 7) {
      text += String((await once(raw, 'data'))[0]);
      lines.splice(
        0,
        lines.length,
        ...text.split('\n').flatMap((part) => (part === '' ? [] : [JSON.parse(part) as object as Record<string, unknown>])),
      );
    }
    raw.destroy();
    expect(lines.map(({ error }) => error)).toEqual(code === undefined ? [undefined] : [code, undefined]);
  });
});

function commandLine(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8');
  } catch {
    return '';
  }
}
