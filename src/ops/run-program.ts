import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { pipeline } from 'node:stream/promises';
import { PortkitError, systemCode } from '../base/errors.ts';

/** A program of the host to run, and its whole environment. */
interface ProgramCall {
  readonly argv: readonly [program: string, ...args: string[]];
  readonly env: Readonly<Record<string, string>>;
  readonly cwd?: string;
  readonly input?: AsyncIterable<Uint8Array>;
  readonly signal: AbortSignal;
}

/** How a program ended; `stderr` is its last 4 KiB, without what could steer a terminal. */
interface ProgramEnd {
  readonly status: number | undefined;
  readonly stderr: string;
}

/** A running program: its output has to be read to the end before `ended` resolves. */
interface Running {
  readonly stdout: AsyncIterable<Uint8Array>;
  readonly ended: Promise<ProgramEnd>;
}

/** Starts a program of the host, without a shell. An abort ends it and everything it started. */
export type RunProgram = (call: ProgramCall) => Running;

const keptText = 4096;

/** Starts programs as processes; `ended` rejects with PK6901 when the program is not there. */
export const runProgram: RunProgram = ({ argv, env, cwd, input, signal }) => {
  signal.throwIfAborted();
  const [program, ...args] = argv;
  const child = spawn(program, args, { env, cwd, stdio: ['pipe', 'pipe', 'pipe'], detached: true });
  const ended = endOf(child, { program, signal });
  // Whoever only reads the output hears of a failure there; this keeps a rejection that comes first from being unhandled.
  ended.catch(() => undefined);
  // A program may stop reading early; its exit status says whether that was right.
  pipeline(input ?? [], child.stdin).catch((error: unknown) => {
    if (systemCode(error) !== 'EPIPE') killGroup(child);
  });
  return { stdout: child.stdout, ended };
};

function endOf(child: ChildProcess, { program, signal }: { program: string; signal: AbortSignal }): Promise<ProgramEnd> {
  const { promise, resolve, reject } = Promise.withResolvers<ProgramEnd>();
  const stop = () => {
    killGroup(child);
    // What it started may have left its group, and hold the other ends for ever.
    const why = signal.reason instanceof Error ? signal.reason : undefined;
    for (const stream of [child.stdin, child.stdout, child.stderr]) stream?.on('error', () => undefined).destroy(why);
  };
  signal.addEventListener('abort', stop, { once: true });
  let stderr = '';
  child.stderr?.on('data', (chunk: Buffer) => {
    stderr = `${stderr}${chunk.toString('latin1')}`.slice(-keptText);
  });
  child.on('error', (error) => {
    reject(
      systemCode(error) === 'ENOENT'
        ? new PortkitError('PK6901', `The program ${program} is not installed`, { hint: installHint(program) })
        : error,
    );
  });
  child.on('close', (status) => {
    signal.removeEventListener('abort', stop);
    if (signal.aborted) reject(signal.reason);
    else resolve({ status: status ?? undefined, stderr: readable(stderr) });
  });
  return promise;
}

/** Programs pass on what servers and files say to them. */
function readable(bytes: string): string {
  return Buffer.from(bytes, 'latin1')
    .toString('utf8')
    .replaceAll(/(?!\n)\p{Cc}/gu, '');
}

function killGroup(child: ChildProcess): void {
  if (child.pid === undefined) return;
  try {
    process.kill(-child.pid, 'SIGKILL');
  } catch (error) {
    if (systemCode(error) !== 'ESRCH') throw error;
  }
}

const packages: Readonly<Record<string, string>> = {
  git: 'git',
  xz: 'xz-utils',
  lz4: 'lz4',
  getfattr: 'attr',
  mksquashfs: 'squashfs-tools',
  'mkfs.erofs': 'erofs-utils',
  mformat: 'mtools',
  mcopy: 'mtools',
  'apt-get': 'apt',
  'apt-cache': 'apt',
  dpkg: 'dpkg',
  'qemu-system-x86_64': 'qemu-system-x86',
  'qemu-system-aarch64': 'qemu-system-arm',
};

function installHint(program: string): string {
  return `Install the Debian package ${packages[program] ?? program}`;
}
