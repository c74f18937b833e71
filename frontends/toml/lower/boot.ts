import type { BootOver } from '../../../src/graph/wire.ts';
import type { Step } from '../schema/definition.ts';
import type { Complain } from './complain.ts';
import { bytes, given, milliseconds } from './complain.ts';

/** `boot = { … }`. */
export function boot({ memory, timeout, ...rest }: NonNullable<Step['boot']>, complain: Complain): BootOver<string> {
  for (const [at, { sha256, text }] of (rest.expect ?? []).entries()) {
    if (sha256 !== undefined && text !== undefined)
      complain(['boot', 'expect', at, 'sha256'], 'a file is expected either by its digest or by its text');
  }
  return {
    ...rest,
    ...given({
      memoryBytes: bytes(memory, ['boot', 'memory'], complain),
      timeoutMs: milliseconds(timeout, ['boot', 'timeout'], complain),
    }),
  };
}
