import { exitStatusOf, PortkitError } from '../base/errors.ts';

/** Tells the user of an error in the house's form; answers the exit status. */
export function reportError(error: unknown, write: (text: string) => void): number {
  if (error instanceof PortkitError) {
    write(`error[${error.code}]: ${error.message}`);
    for (let cause = error.cause; cause instanceof Error; cause = cause.cause) write(`  = cause: ${cause.message}`);
    if (error.hint !== undefined) write(`  = help: ${error.hint}`);
  } else {
    write(`error[PK7001]: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`);
    write('  = help: this is a bug in portkit: please report it with the lines above');
  }
  return exitStatusOf(error);
}
