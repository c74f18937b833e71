import { PortkitError } from '../base/errors.ts';
import type { Outcome } from '../solver/op.ts';

/**
 * Turns a coded error that is the step's own fault (its spec, PK10xx; its sources, PK32xx; its files, PK33xx, PK35xx and
 * PK36xx; its kernel, PK37xx; its modules and boots, PK38xx; its image, PK395x; its artifact, PK40xx and PK41xx; a missing
 * tool, PK6901) into the step's failure; anything else passes through.
 */
export async function asOutcome(work: () => Promise<Outcome>): Promise<Outcome> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof PortkitError) || !/^PK(?:10|3108|32|33|35|36|37|38|395|40|41|69)/.test(error.code)) throw error;
    const { code, message, hint } = error;
    return { ok: false, failure: { code, message, ...(hint === undefined ? {} : { hint }) } };
  }
}
