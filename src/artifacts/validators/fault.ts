import { PortkitError } from '../../base/errors.ts';
import { printable } from '../../base/printable.ts';
import type { Fault } from '../workflow/validator.ts';

/** What breaks a rule; texts of files and of other programs become harmless. */
export function fault(check: string, message: string): Fault {
  return { check, message: printable(message) };
}

/** What is wrong by a rule where a refusal is a finding too; everything else that is thrown goes on. */
export async function orRefused(check: string, work: () => Promise<readonly Fault[]>): Promise<readonly Fault[]> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof PortkitError) return [fault(check, `${error.code}: ${error.message}`)];
    throw error;
  }
}
