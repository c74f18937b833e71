import { constants } from 'node:fs';
import { access } from 'node:fs/promises';
import { join } from 'node:path';
import type { RunProgram } from '../ops/run-program.ts';
import { consoleFile, followConsole } from './console-log.ts';
import type { Machine } from './machine.ts';
import { kvmProbeArguments } from './qemu.ts';
import type { Accelerator } from './qemu.ts';

/** The accelerator that was chosen; `why` says what stood against KVM. */
export interface Chosen {
  readonly accelerator: Accelerator;
  readonly why?: string;
}

/** What choosing needs of the world. */
export interface ProbeWorld {
  readonly run: RunProgram;
  readonly env: Readonly<Record<string, string>>;
  readonly hostArchitecture: string;
  readonly kvm: string;
  readonly folder: string;
  readonly signal: AbortSignal;
}

/** A kernel under a KVM that works is past this in well under a second. */
const probeMs = 5000;

/** KVM, when this very kernel gets through its boot with it; there are machines that have the device and hang. */
export async function chooseAccelerator(machine: Machine, world: ProbeWorld): Promise<Chosen> {
  const { hostArchitecture, kvm, run, env, folder, signal } = world;
  if (hostArchitecture !== machine.architecture) return { accelerator: 'tcg', why: `this machine is ${hostArchitecture}` };
  try {
    await access(kvm, constants.R_OK | constants.W_OK);
  } catch {
    return { accelerator: 'tcg', why: `${kvm} cannot be used` };
  }
  const limit = AbortSignal.any([signal, AbortSignal.timeout(probeMs)]);
  const sink = await consoleFile(join(folder, 'probe.log')).open();
  const { stdout, ended } = run({ argv: kvmProbeArguments(machine), env, signal: limit });
  const log = followConsole(stdout, sink);
  await Promise.allSettled([ended, log.ended]);
  signal.throwIfAborted();
  if (log.said('Kernel panic') && !limit.aborted) return { accelerator: 'kvm' };
  return { accelerator: 'tcg', why: 'a kernel that was tried with KVM did not get through its boot' };
}
