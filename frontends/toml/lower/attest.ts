import type { Wired } from '../../../src/graph/wire.ts';
import type { Step } from '../schema/definition.ts';
import { given } from './complain.ts';

/** The kinds that tell of what was made, sign it, and ask for signatures. */
export function attest(step: Pick<Step, 'provenance' | 'sign' | 'verify'>): Wired<string> | undefined {
  if (step.provenance !== undefined) {
    const { from, ...rest } = step.provenance;
    return { op: { type: 'provenance', ...rest }, inputs: [from] };
  }
  if (step.sign !== undefined) {
    const { from, ...rest } = step.sign;
    return { op: { type: 'sign', ...rest }, inputs: [from] };
  }
  if (step.verify === undefined) return undefined;
  const { from, keys, predicate_types: predicateTypes } = step.verify;
  return { op: { type: 'verify', keys, ...given({ predicateTypes }) }, inputs: [from] };
}
