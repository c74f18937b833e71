import { exitStatusOf, PortkitError, systemCode } from '../base/errors.ts';

interface Reporting {
  readonly write: (text: string) => void;
  /** Also print where each error was thrown. */
  readonly debug: boolean;
}

/** Tells the user of an error in the house's form; answers the exit status. */
export function reportError(thrown: unknown, { write, debug }: Reporting): number {
  const error = firstOf(thrown);
  const causes = causesOf(error);
  if (error instanceof PortkitError) {
    write(`error[${error.code}]: ${error.message}`);
    for (const cause of causes) if (debug || !isTold(cause, error.message)) write(`  = cause: ${oneLine(messageOf(cause))}`);
    if (error.hint !== undefined) write(`  = help: ${error.hint}`);
  } else {
    write(`error[PK7001]: ${messageOf(error)}`);
    for (const cause of causes) write(`  = cause: ${oneLine(messageOf(cause))}`);
    const what = debug ? 'the lines above and below' : 'what the same command prints with --debug';
    write(`  = help: this is a bug in portkit: please report it with ${what}`);
  }
  if (debug) for (const each of [error, ...causes]) if (each instanceof Error) write(`  = stack: ${each.stack ?? each.message}`);
  return exitStatusOf(error);
}

/** Closing something after a failure may fail too; the first failure is the one to tell of. */
function firstOf(thrown: unknown): unknown {
  let error = thrown;
  while (error instanceof SuppressedError) error = error.suppressed;
  return error;
}

function causesOf(error: unknown): readonly unknown[] {
  const causes: unknown[] = [];
  for (let at = error; at instanceof Error && at.cause !== undefined && !causes.includes(at.cause); at = at.cause) {
    if (at.cause instanceof Error || typeof at.cause === 'string') causes.push(at.cause);
  }
  return causes;
}

/** A message often has the words or the code of its cause already. */
function isTold(cause: unknown, message: string): boolean {
  return message.includes(messageOf(cause)) || message.includes(`(${systemCode(cause) ?? messageOf(cause)})`);
}

/** Some causes quote lines of a file. */
function oneLine(text: string): string {
  return text.replaceAll(/\s*\n\s*/g, ' ');
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
