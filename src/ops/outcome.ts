import { PortkitError } from '../base/errors.ts';
import type { Outcome } from '../solver/op.ts';

/** Turns a coded error of a source or of what it reads (PK32xx, PK33xx, a missing tool) into the step's failure; anything else passes through. */
export async function asOutcome(work: () => Promise<Outcome>): Promise<Outcome> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof PortkitError) || !/^PK(?:32|33|69|10)/.test(error.code)) throw error;
    const { code, message, hint } = error;
    return { ok: false, failure: { code, message, ...(hint === undefined ? {} : { hint }) } };
  }
}
