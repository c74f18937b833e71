import type { ExecOver } from '../../../src/graph/wire.ts';
import type { Step } from '../schema/definition.ts';
import type { Complain } from './complain.ts';
import { bytes, given, milliseconds } from './complain.ts';

/** `exec = { … }`, with references for inputs. */
export function exec(step: NonNullable<Step['exec']>, complain: Complain): ExecOver<string> {
  const { argv, script, caches, timeout, memory, ...rest } = step;
  if ((argv === undefined) === (script === undefined)) complain(['exec'], 'an exec has either argv or script');
  return {
    ...rest,
    argv: argv ?? ['/bin/sh', '-euc', script ?? ''],
    ...given({
      caches: caches?.map(({ share = 'shared' as const, ...cache }) => ({ ...cache, share })),
      timeoutMs: milliseconds(timeout, ['exec', 'timeout'], complain),
      memoryBytes: bytes(memory, ['exec', 'memory'], complain),
    }),
  };
}
