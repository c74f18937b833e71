import { randomBytes } from 'node:crypto';
import { tmpdir } from 'node:os';
import { boot } from '../boot/boot.ts';
import type { BootReport, BootTrial } from '../boot/boot.ts';
import type { BootOpWorld } from '../ops/boot.ts';
import { runProgram } from '../ops/run-program.ts';
import { nativeArchitecture } from './native.ts';

/** Tries a machine with what this one has. */
export function tryMachine(trial: BootTrial, signal: AbortSignal): Promise<BootReport> {
  return boot(trial, {
    run: runProgram,
    env: { PATH: process.env['PATH'] ?? '' },
    hostArchitecture: nativeArchitecture(),
    kvm: '/dev/kvm',
    now: () => performance.now(),
    nonce: () => randomBytes(16).toString('hex'),
    temporary: tmpdir(),
    signal,
  });
}

/** Tries a machine of a step under QEMU; the step's log gets what the machine says on its console. */
export const bootForStep: BootOpWorld['boot'] = ({ timeoutMs, files, ...machine }, { signal, output }) => {
  const write = (bytes: Uint8Array): Promise<void> => Promise.resolve(output('stdout', bytes));
  const consoleTo = { shown: 'the log of the step', open: () => Promise.resolve({ write, close: () => Promise.resolve() }) };
  return tryMachine({ machine, monitor: 'qemu', timeoutMs, files, consoleTo }, signal);
};
