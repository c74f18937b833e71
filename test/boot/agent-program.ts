import { execFileSync, spawn } from 'node:child_process';
import { existsSync, globSync, mkdtempSync, rmSync } from 'node:fs';
import { connect } from 'node:net';
import type { Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';

/** The flags of README.md in guest-agent, and those of the run with sanitizers. */
const flags = {
  release: ['-static', '-Os', '-s', '-Wl,--build-id=none'],
  sanitized: ['-g', '-O1', '-fsanitize=address,undefined', '-fno-sanitize-recover=all'],
};

/** Why the agent cannot be compiled here, or undefined. */
export function noCompiler(kind: keyof typeof flags, compiler = 'cc'): string | undefined {
  const folder = mkdtempSync(join(tmpdir(), 'portkit-cc-'));
  try {
    const argv = [...flags[kind], '-x', 'c', '-', '-o', join(folder, 'empty')];
    execFileSync(compiler, argv, { input: 'int main(void){return 0;}', stdio: ['pipe', 'ignore', 'ignore'] });
    return undefined;
  } catch {
    return `there is no ${compiler} that makes a ${kind} program`;
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** Compiles the agent into a folder, from its sources below `cwd`; answers the path of the program. */
export function compileAgent(folder: string, kind: keyof typeof flags, { compiler = 'cc', cwd = process.cwd() } = {}): string {
  const program = join(folder, `agent-${kind}`);
  const sources = globSync('guest-agent/*.c', { cwd }).toSorted();
  execFileSync(compiler, [...flags[kind], '-Wall', '-Wextra', '-Werror', '-o', program, ...sources], { stdio: 'inherit', cwd });
  return program;
}

/** A running agent on a unix socket; `stop` ends it, when it has not ended itself. */
export interface RunningAgent {
  connect(): Promise<Socket>;
  readonly exited: Promise<number | null>;
  stop(): Promise<void>;
}

/** Starts the agent and waits until it listens. */
export async function startAgent(program: string, folder: string, root = '/'): Promise<RunningAgent> {
  const socket = resolve(folder, 'agent.sock');
  const child = spawn(program, ['--socket', socket, '--root', root], { stdio: 'ignore', env: { PATH: '/usr/bin:/bin' } });
  const exited = once(child, 'exit').then(([status]) => status as number | null);
  for (let tries = 0; !existsSync(socket) && child.exitCode === null && tries < 500; tries += 1) await sleep(10);
  return {
    async connect() {
      const stream = connect(socket);
      await once(stream, 'connect');
      return stream;
    },
    exited,
    async stop() {
      child.kill();
      await exited;
    },
  };
}
