import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { PortkitError } from '../base/errors.ts';
import { showDuration } from '../base/units.ts';
import type { RunProgram } from '../ops/run-program.ts';
import { chooseAccelerator } from './accelerator.ts';
import type { Chosen } from './accelerator.ts';
import { connectAgent } from './agent-connection.ts';
import { hello, info, sha256, shutDown } from './agent-requests.ts';
import type { Asking, GuestDigest, GuestInfo } from './agent-requests.ts';
import { openChannel } from './channel.ts';
import type { OpenChannel } from './channel.ts';
import { checkMachine } from './check-machine.ts';
import { cloudHypervisorLaunch } from './cloud-hypervisor.ts';
import { followConsole } from './console-log.ts';
import type { ConsoleLog, ConsoleTarget } from './console-log.ts';
import { firecrackerLaunch } from './firecracker.ts';
import type { Launch, Machine, Monitor } from './machine.ts';
import { qemuLaunch } from './qemu.ts';

/** What is tried. */
export interface BootTrial {
  readonly machine: Machine;
  readonly monitor: Monitor;
  readonly timeoutMs: number;
  /** Files to read inside the guest, and the SHA-256 that each must have, where one is given. */
  readonly files: readonly { readonly path: string; readonly sha256?: string }[];
  /** Where the console is written down. */
  readonly consoleTo: ConsoleTarget;
}

/** What a trial needs of the world. */
export interface BootWorld {
  readonly run: RunProgram;
  /** The environment of the monitor: where programs are. */
  readonly env: Readonly<Record<string, string>>;
  readonly hostArchitecture: string;
  /** The device of KVM. */
  readonly kvm: string;
  /** Milliseconds of a clock that only goes forward. */
  readonly now: () => number;
  /** What nobody can have heard before. */
  readonly nonce: () => string;
  /** A folder for sockets, whose path is short. */
  readonly temporary: string;
  readonly signal: AbortSignal;
}

/** How a boot went. */
export interface BootReport extends Partial<Chosen> {
  readonly monitor: Monitor;
  readonly times: {
    /** By the clock of the guest: until the first program (0 when that is not the agent), and from there until the agent listened. */
    readonly kernelMs: number;
    readonly userspaceMs: number;
    /** By our clock: from the start of the monitor until the agent answered, and until the monitor had ended. */
    readonly agentMs: number;
    readonly totalMs: number;
  };
  readonly guest: GuestInfo;
  readonly files: readonly (GuestDigest & { readonly path: string })[];
}

/** How long after its agent a machine may take to be gone. */
const leaveMs = 1000;

/** Boots a machine, talks to its agent, and ends it; whatever happens, nothing is left running when this returns. */
export async function boot(trial: BootTrial, world: BootWorld): Promise<BootReport> {
  const folder = await mkdtemp(join(world.temporary, 'portkit-boot-'));
  try {
    return await bootIn(folder, trial, world);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function bootIn(folder: string, trial: BootTrial, world: BootWorld): Promise<BootReport> {
  const { machine, monitor, timeoutMs } = trial;
  await checkMachine(machine, monitor);
  const { signal } = world;
  const chosen = monitor === 'qemu' ? await chooseAccelerator(machine, { ...world, folder }) : undefined;
  const launch = launchOf(trial, { folder, accelerator: chosen?.accelerator ?? 'kvm' });
  for (const { path, text } of launch.files) await writeFile(path, text, { mode: 0o600 });
  const over = AbortSignal.timeout(timeoutMs);
  const stop = new AbortController();
  const limit = AbortSignal.any([signal, over, stop.signal]);
  const sink = await trial.consoleTo.open();
  const channel = await openChannel(launch.channel, limit);
  const start = world.now();
  const running = world.run({ argv: launch.argv, env: world.env, signal: limit });
  const log = followConsole(running.stdout, sink);
  const ended = endOf({ ended: running.ended, log, launch });
  try {
    const early = ended.then(endedEarly(trial, log));
    const heard = talk({ channel, launch, limit }, trial, world).catch(async (error: unknown) => {
      // An agent that leaves because its machine ends is not to blame: the end of the machine says more.
      const left = error instanceof PortkitError && error.code === 'PK3808';
      if (left) await Promise.race([early, sleep(leaveMs, undefined, { signal: limit })]);
      throw error;
    });
    // Whichever loses is settled below.
    heard.catch(() => undefined);
    const { agentAt, ...told } = await Promise.race([heard, early]);
    await ended;
    const times = { ...told.times, agentMs: Math.round(agentAt - start), totalMs: Math.round(world.now() - start) };
    return { monitor, ...chosen, ...told, times };
  } catch (error) {
    signal.throwIfAborted();
    throw over.aborted ? tooLate(trial, log) : error;
  } finally {
    channel.close();
    stop.abort();
    await Promise.allSettled([running.ended, log.ended, channel.stream]);
  }
}

function launchOf({ machine, monitor }: BootTrial, how: Parameters<typeof qemuLaunch>[1]): Launch {
  if (monitor === 'qemu') return qemuLaunch(machine, how);
  return monitor === 'firecracker' ? firecrackerLaunch(machine, how.folder) : cloudHypervisorLaunch(machine, how.folder);
}

interface Conversation {
  readonly channel: OpenChannel;
  readonly launch: Launch;
  readonly limit: AbortSignal;
}

async function talk({ channel, launch, limit }: Conversation, { files }: BootTrial, { nonce, now }: BootWorld) {
  const asking: Asking = { agent: connectAgent(await channel.stream), signal: limit };
  try {
    const { initMs, readyMs } = await hello(asking, nonce());
    const agentAt = now();
    const guest = await info(asking);
    const read = [];
    for (const file of files) read.push(await readFile(asking, file));
    await shutDown(asking, launch.end);
    return { agentAt, times: { kernelMs: initMs, userspaceMs: Math.max(0, readyMs - initMs) }, guest, files: read };
  } finally {
    asking.agent.close();
  }
}

async function readFile(asking: Asking, { path, sha256: expected }: BootTrial['files'][number]) {
  const digest = await sha256(asking, path);
  if (expected === undefined || digest.sha256 === expected) return { path, ...digest };
  throw new PortkitError('PK3807', `In the guest, ${path} has the SHA-256 ${digest.sha256} and not ${expected}`);
}

/** Resolves when the monitor ended as it should; PK3805 when it could not even start. */
async function endOf(of: { ended: ReturnType<RunProgram>['ended']; log: ConsoleLog; launch: Launch }): Promise<void> {
  const { status, stderr } = await of.ended;
  await of.log.ended;
  if (status === 0) return;
  const [program] = of.launch.argv;
  const words = stderr.trim() === '' ? of.log.lastLines().join('\n') : stderr.trim();
  throw new PortkitError('PK3805', `${program} ended with status ${status ?? 'unknown'}: ${words}`);
}

function endedEarly({ consoleTo: { shown } }: BootTrial, log: ConsoleLog) {
  return (): never => {
    throw new PortkitError('PK3802', `The machine ended before its agent answered.${endOfConsole(log)}`, {
      hint: `The whole console is in ${shown}`,
    });
  };
}

function tooLate({ timeoutMs, consoleTo: { shown } }: BootTrial, log: ConsoleLog): PortkitError {
  const message = `The machine was not through its boot after ${showDuration(timeoutMs)}.${endOfConsole(log)}`;
  return new PortkitError('PK3801', message, {
    hint: `The whole console is in ${shown}; a longer timeout gives it more time`,
  });
}

function endOfConsole(log: ConsoleLog): string {
  if (!log.saidAnything()) return ' It said nothing on its console';
  return ` The end of its console:\n${log.lastLines().join('\n')}`;
}
