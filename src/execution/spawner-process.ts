import { spawn, spawnSync } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { closeSync, constants, openSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { systemCode } from '../base/errors.ts';
import type { Descriptor, FromHelper, PipePair, SpawnRequest, ToHelper } from './spawner-protocol.ts';

/**
 * The program of the helper process: it starts commands, because starting one from a process with a large heap costs tens of
 * milliseconds. It ends when its parent does, and kills what it runs.
 */
interface Running {
  readonly child: ChildProcess;
  timedOut: boolean;
}

const running = new Map<number, Running>();
const pipes = new Map<number, { readonly stdout: number; readonly stderr: number }>();
/** How long the ends of a killed tree may take before its outermost process is killed too. */
const graceMs = 2000;
/** What setTimeout takes; a little less than 25 days. */
const longestTimer = 2 ** 31 - 1;
/** O_CLOEXEC (asm-generic/fcntl.h; the same on x86-64 and arm64), which Node does not name. */
const closeOnExec = 0o2000000;

process.umask(0o022);
closeInherited();
process.on('message', (message: ToHelper) => {
  try {
    obey(message);
  } catch (error) {
    const text = error instanceof Error ? error.message : String(error);
    answer({ type: 'failed', id: message.id, code: systemCode(error) ?? '', message: text });
  }
});
process.once('disconnect', () => {
  for (const one of running.values()) kill(one.child);
});

/**
 * Closes what whoever started us left open (a shell's files, a service's sockets): commands would inherit it. What Node opens
 * is marked close-on-exec, which fdinfo shows; 3 is the channel, and each command gets something else there.
 */
function closeInherited(): void {
  for (const name of readdirSync('/proc/self/fd').filter((name) => Number(name) > 3)) {
    const flags = /^flags:\t(\d+)$/m.exec(readIfThere(`/proc/self/fdinfo/${name}`))?.[1];
    if (flags !== undefined && (Number.parseInt(flags, 8) & closeOnExec) === 0) closeSync(Number(name));
  }
}

function readIfThere(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}

function answer(message: FromHelper): void {
  if (process.connected) process.send?.(message);
}

function obey(message: ToHelper): void {
  switch (message.type) {
    case 'pipes':
      makePipes(message.id, message.pipes);
      return answer({ type: 'ready', id: message.id });
    case 'run':
      return run(message.id, message.pipes, message.request);
    case 'kill': {
      const one = running.get(message.id);
      if (one !== undefined) kill(one.child);
    }
  }
}

function makePipes(id: number, { stdout, stderr }: PipePair): void {
  const made = spawnSync('/usr/bin/mkfifo', ['-m', '600', stdout, stderr], { env: {}, encoding: 'utf8' });
  if (made.error !== undefined) throw made.error;
  if (made.status !== 0) throw new Error(made.stderr);
  // Opened for both, so that it neither waits for the other side nor ends when one command does.
  const flags = constants.O_RDWR | constants.O_NOFOLLOW;
  pipes.set(id, { stdout: openSync(stdout, flags), stderr: openSync(stderr, flags) });
}

function run(id: number, pipesId: number, request: SpawnRequest): void {
  const pair = pipes.get(pipesId);
  if (pair === undefined) throw new Error(`No pipes ${pipesId}`);
  const opened: number[] = [];
  try {
    // Opened anew for each command: descriptors share flags such as O_NONBLOCK with whoever had them before.
    for (const fd of [pair.stdout, pair.stderr]) opened.push(openSync(`/proc/self/fd/${fd}`, constants.O_WRONLY));
    const descriptors = request.descriptors ?? [];
    const [program, ...rest] = request.argv;
    const child = spawn(program, rest, {
      env: {},
      cwd: '/',
      stdio: ['ignore', opened[0], opened[1], ...descriptors.map((one) => stdioOf(one, opened))],
      ...request.user,
    });
    watch(id, child, request);
  } finally {
    for (const fd of opened) closeSync(fd);
  }
}

function stdioOf(descriptor: Descriptor, opened: number[]): 'pipe' | number {
  if (descriptor === 'report' || 'feed' in descriptor) return 'pipe';
  const fd = openSync(descriptor.file, 'r');
  opened.push(fd);
  return fd;
}

function watch(id: number, child: ChildProcess, { descriptors = [], controlGroups = [], timeoutMs }: SpawnRequest): void {
  const one: Running = { child, timedOut: false };
  running.set(id, one);
  if (child.pid !== undefined) for (const group of controlGroups) writeFileSync(group, String(child.pid));
  const timer = timeoutMs === undefined ? undefined : setTimeout(expire, Math.min(timeoutMs, longestTimer));
  const report: Buffer[] = [];
  for (const [index, descriptor] of descriptors.entries()) {
    const stream = child.stdio[index + 3];
    // The command may end before it has read everything.
    stream?.on('error', () => {});
    if (descriptor === 'report') stream?.on('data', (chunk: Buffer) => report.push(chunk));
    else if ('feed' in descriptor && stream && 'end' in stream) stream.end(Buffer.from(descriptor.feed, 'base64'));
  }
  child.once('error', (error) => {
    if (child.pid !== undefined) return;
    done();
    answer({ type: 'failed', id, code: systemCode(error) ?? '', message: error.message });
  });
  child.once('close', (status, signal) => {
    const end = { status, signal, timedOut: one.timedOut, report: Buffer.concat(report).toString() };
    whenEmpty(Number(/"child-pid": *(\d+)/.exec(end.report)?.[1]), () => {
      done();
      answer({ type: 'ended', id, ...end });
    });
  });
  function expire(): void {
    one.timedOut = true;
    kill(child);
  }
  function done(): void {
    clearTimeout(timer);
    running.delete(id);
  }
}

/**
 * Kills the children of the outermost process first: in the sandbox that is the init of a process namespace, whose end is the
 * end of everything in it, and which the outermost process waits for. So an `ended` means that nothing is left.
 */
function kill(child: ChildProcess): void {
  if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
  const inner = childrenOf(child.pid);
  for (const pid of inner) killOne(pid);
  if (inner.length === 0) child.kill('SIGKILL');
  else setTimeout(() => child.kill('SIGKILL'), graceMs).unref();
}

/**
 * bwrap ends as soon as its command did. What that left running are children of the init of the process namespace: it is killed,
 * and waited for until the kernel has ended them all.
 */
function whenEmpty(init: number, then: () => void): void {
  if (Number.isNaN(init) || childrenOf(init).length === 0 || !isInit(init)) return then();
  killOne(init);
  setTimeout(whenEmpty, 1, init, then);
}

/** Whether it still is the first process of a namespace below ours: a number may have been given to another process. */
function isInit(pid: number): boolean {
  return /^NSpid:\t\d+\t(?:\d+\t)*1$/m.test(readIfThere(`/proc/${pid}/status`));
}

function childrenOf(pid: number): readonly number[] {
  return readIfThere(`/proc/${pid}/task/${pid}/children`).split(' ').filter(Boolean).map(Number);
}

function killOne(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch (error) {
    if (systemCode(error) !== 'ESRCH') throw error;
  }
}
