import { once } from 'node:events';
import { mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import type { Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { boot } from '../../src/boot/boot.ts';
import type { BootTrial, BootWorld } from '../../src/boot/boot.ts';
import { consoleFile } from '../../src/boot/console-log.ts';
import type { Machine, Monitor } from '../../src/boot/machine.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'portkit-trial-'));
  for (const name of ['kernel', 'initrd']) writeFileSync(join(folder, name), '\x7fELF');
});
afterEach(() => rmSync(folder, { recursive: true }));

/** What a machine made for a test does with a request: an answer, whatever the agent would never send, or leaving (null). */
type Reply = (request: Record<string, unknown>) => object | string | null | undefined;
interface Fake {
  readonly reply?: Reply;
  /** How long after its agent it ends. */
  readonly endMs?: number;
  readonly console?: string;
  /** Ends by itself, at once. */
  readonly status?: number;
  readonly stderr?: string;
  /** What is on the console of a try with KVM, which has no agent. */
  readonly probe?: string;
}

const digest = 'ab'.repeat(32);
const good: Reply = ({ id, op, nonce, how }) => {
  if (op === 'hello') return { id, nonce, protocol: 1, init_ms: 100, ready_ms: 150 };
  if (op === 'info') return { id, machine: 'x86_64', kernel: '6.1', cpus: 1, memory: 5e8 };
  return op === 'sha256' ? { id, size: 3, sha256: digest } : { id, how };
};

/** A monitor without a machine: the agent is played in this process, on the socket where a real one would be. */
function monitor(fake: Fake, calls: string[][]): BootWorld['run'] {
  return ({ argv, signal }) => {
    calls.push([...argv]);
    const stdout = new PassThrough();
    const probe = !argv.some((word) => /id=agent|vsock|firecracker/.test(word));
    stdout.write((probe ? fake.probe : fake.console) ?? '');
    const { promise, resolve, reject } = Promise.withResolvers<{ status: number; stderr: string }>();
    const end = (status: number) => {
      stdout.end();
      resolve({ status, stderr: fake.stderr ?? '' });
    };
    signal.addEventListener('abort', () => (stdout.end(), reject(signal.reason)));
    if (fake.status !== undefined || probe) end(fake.status ?? 0);
    else void play(argv, fake.reply ?? good, () => void setTimeout(end, fake.endMs ?? 5, 0));
    return { stdout, ended: promise };
  };
}

async function play(argv: readonly string[], reply: Reply, end: () => void): Promise<void> {
  const listening = argv.find((word) => word.startsWith('socket,id=agent'))?.replace(/.*path=/, '');
  if (listening !== undefined) return serve(connect(listening), reply, end);
  const written = argv[0] === 'firecracker' ? readFileSync(argv.at(-1) ?? '', 'utf8') : argv.at(-1);
  const path = /(?:uds_path": "|socket=)([^"]*)/.exec(written ?? '')?.[1];
  const taken: Socket[] = [];
  const server = createServer((socket) => {
    // The first comes before the guest listens.
    taken.push(socket);
    if (taken.length === 1) socket.destroy();
    socket.once('data', (words) => {
      expect(String(words)).toBe('CONNECT 7000\n');
      socket.write('OK 1073741824\n');
      serve(socket, reply, () => (server.close(), end()));
    });
  });
  server.listen(path);
  await once(server, 'listening');
}

function serve(socket: Socket, reply: Reply, end: () => void): void {
  socket.on('error', () => undefined);
  socket.on('data', (chunk) => {
    const request = JSON.parse(String(chunk)) as Record<string, unknown>;
    const answer = reply(request);
    if (answer === undefined) return;
    if (answer === null) socket.destroy();
    if (answer === null || request['op'] === 'shutdown') end();
    if (answer === null) return;
    socket.write(`${typeof answer === 'string' ? answer : JSON.stringify(answer)}\n`);
  });
}

async function tryBoot(
  fake: Fake,
  more: { monitor?: Monitor; machine?: Partial<Machine>; files?: BootTrial['files']; timeoutMs?: number; host?: string } = {},
) {
  const calls: string[][] = [];
  let time = 0;
  const trial: BootTrial = {
    machine: {
      architecture: 'x86_64',
      kernel: join(folder, 'kernel'),
      initrd: join(folder, 'initrd'),
      memoryMiB: 64,
      ...more.machine,
    },
    monitor: more.monitor ?? 'qemu',
    timeoutMs: more.timeoutMs ?? 10_000,
    files: more.files ?? [{ path: '/init' }],
    consoleTo: consoleFile(join(folder, 'console.log')),
  };
  const world: BootWorld = {
    run: monitor(fake, calls),
    env: {},
    hostArchitecture: more.host ?? 'aarch64',
    kvm: join(folder, 'kvm'),
    now: () => (time += 1000),
    nonce: () => 'abc',
    temporary: folder,
    signal: AbortSignal.timeout(20_000),
  };
  try {
    return { report: await boot(trial, world), calls };
  } finally {
    expect(readdirSync(folder).filter((name) => name.startsWith('portkit-boot-'))).toEqual([]);
  }
}

test.each(['qemu', 'firecracker', 'cloud-hypervisor'] as const)('%s: hello, a file, the end', async (monitor) => {
  const { report, calls } = await tryBoot({ console: 'Linux\r\n' }, { monitor });
  expect(report).toMatchObject({
    monitor,
    times: { kernelMs: 100, userspaceMs: 50, agentMs: 1000, totalMs: 2000 },
    guest: { machine: 'x86_64', kernel: '6.1', cpus: 1, memory: 5e8 },
    files: [{ path: '/init', size: 3, sha256: digest }],
  });
  expect(report.accelerator).toBe(monitor === 'qemu' ? 'tcg' : undefined);
  expect(calls.map(([program]) => program)).toEqual([monitor === 'qemu' ? 'qemu-system-x86_64' : monitor]);
  expect(readFileSync(join(folder, 'console.log'), 'utf8')).toBe('Linux\r\n');
});

test('KVM is used when the kernel gets to its panic for want of a root with it', async () => {
  const used = async (fake: Fake, host = 'x86_64') => {
    const { report, calls } = await tryBoot(fake, { host });
    const accelerators = calls.map((argv) => argv[argv.indexOf('-accel') + 1]);
    return { accelerators, chosen: report.accelerator, why: report.why };
  };
  expect(await used({})).toMatchObject({ accelerators: ['tcg'], why: expect.stringContaining('cannot be used') as string });
  writeFileSync(join(folder, 'kvm'), '');
  expect(await used({ probe: 'Kernel panic - not syncing: VFS' })).toEqual({ accelerators: ['kvm', 'kvm'], chosen: 'kvm' });
  expect(await used({ probe: '' })).toMatchObject({ accelerators: ['kvm', 'tcg'], chosen: 'tcg' });
  expect(await used({}, 'aarch64')).toMatchObject({ accelerators: ['tcg'], why: 'this machine is aarch64' });
});

test('a file with another digest', async () => {
  const files = [{ path: '/init', sha256: 'cd'.repeat(32) }];
  await expect(tryBoot({}, { files })).rejects.toMatchObject({ code: 'PK3807' });
  expect((await tryBoot({}, { files: [{ path: '/init', sha256: digest }] })).report.files).toHaveLength(1);
});

test.each<[string, Reply, string, string]>([
  ['another nonce', (request) => good({ ...request, nonce: 'old' }), 'PK3803', 'nonce'],
  ['another protocol', (request) => ({ ...(good(request) as object), protocol: 2 }), 'PK3803', 'protocol'],
  ['no JSON', () => 'Login:', 'PK3803', 'Login:'],
  ['an answer to nothing', () => ({ id: 77 }), 'PK3803', 'answers nothing'],
  ['a line without end', () => 'x'.repeat(300_000), 'PK3803', 'longer'],
  ['a number that is none', ({ id, nonce }) => ({ id, nonce, protocol: 1, init_ms: -1, ready_ms: 1 }), 'PK3803', 'init_ms'],
  ['a refusal', ({ id }) => ({ id, error: 'failed', message: 'no\u001b[2J' }), 'PK3804', 'no'],
])('an agent that answers with %s', async (_what, reply, code, words) => {
  const failure = tryBoot({ reply });
  await expect(failure).rejects.toMatchObject({ code, message: expect.stringContaining(words) as string });
  await expect(failure).rejects.not.toThrow('\u001b');
});

test('a machine that panics, that says nothing, that cannot be started', async () => {
  const console =
    '\u001bc\u001b[?7l[    1.1] VFS: x\r\n[    1.2] Kernel panic - not syncing: \u001b[31mVFS\r\n\n[    1.3] Rebooting\r\n';
  const panicked = tryBoot({ status: 0, console });
  await expect(panicked).rejects.toMatchObject({ code: 'PK3802' });
  await expect(panicked).rejects.toThrow(/console:\n\[ {4}1\.1\] VFS: x\n\[ {4}1\.2\] Kernel panic - not syncing: VFS$/);
  const silent = tryBoot({ reply: () => undefined }, { timeoutMs: 300 });
  await expect(silent).rejects.toMatchObject({ code: 'PK3801', message: expect.stringContaining('said nothing') as string });
  const refused = tryBoot({ status: 1, stderr: 'no such machine' });
  await expect(refused).rejects.toMatchObject({ code: 'PK3805', message: expect.stringContaining('no such machine') as string });
});

test('an agent that leaves: with its machine, or alone', async () => {
  const console = 'Kernel panic';
  await expect(tryBoot({ reply: () => null, console })).rejects.toMatchObject({ code: 'PK3802' });
  await expect(tryBoot({ reply: () => null, endMs: 5000 })).rejects.toMatchObject({ code: 'PK3808' });
});

test('what cannot boot is refused before anything runs', async () => {
  const refused = (machine: object, monitor: Monitor = 'qemu') =>
    expect(tryBoot({}, { machine, monitor })).rejects.toMatchObject({ code: 'PK3806' });
  writeFileSync(join(folder, 'empty'), '');
  writeFileSync(join(folder, 'bzImage'), 'MZ..');
  await refused({ initrd: undefined });
  await refused({ kernel: join(folder, 'none') });
  await refused({ kernel: folder });
  await refused({ initrd: join(folder, 'empty') });
  await refused({ rootfs: join(folder, 'empty') });
  await refused({ kernel: join(folder, 'bzImage') }, 'firecracker');
});

test('a console file that cannot be made', async () => {
  rmSync(join(folder, 'console.log'), { force: true });
  const blocked = join(folder, 'console.log', 'inner');
  writeFileSync(join(folder, 'console.log'), '');
  const machine: Machine = {
    architecture: 'x86_64',
    kernel: join(folder, 'kernel'),
    initrd: join(folder, 'initrd'),
    memoryMiB: 64,
  };
  const trial: BootTrial = { machine, monitor: 'firecracker', timeoutMs: 1000, files: [], consoleTo: consoleFile(blocked) };
  const calls: string[][] = [];
  const world = { run: monitor({}, calls), env: {}, hostArchitecture: 'aarch64', kvm: '/none', now: () => 0, nonce: () => 'n' };
  const signal = AbortSignal.timeout(5000);
  await expect(boot(trial, { ...world, temporary: folder, signal })).rejects.toMatchObject({ code: 'PK3406' });
  expect(calls).toEqual([]);
});
