import type { ErrorCode } from '../base/errors.ts';
import { PortkitError } from '../base/errors.ts';
import { printable } from '../base/printable.ts';
import type { Location } from './graph.ts';
import { codeFrame, showLocation } from './location.ts';

/** One thing that is wrong with a definition, and where. */
export interface Problem {
  readonly code: ErrorCode;
  readonly message: string;
  readonly location?: Location | undefined;
  readonly hint?: string | undefined;
  /** Other places that belong to it, like the other steps of a cycle. */
  readonly related?: readonly { readonly message: string; readonly location?: Location | undefined }[];
}

/** The text of a file of the definition, for code frames. */
export type TextOf = (file: string) => string | undefined;

/** More problems than these are counted, not shown. */
const shown = 50;

/**
 * The one error that tells of all problems: the first gives it its code, and its message starts the text, so that
 * `error[CODE]: ` before it makes the whole read alike. The problems themselves are in `problemsOf`.
 */
export function problemsError(problems: readonly Problem[], textOf: TextOf): PortkitError {
  const sorted = inOrder(problems);
  const first = sorted[0];
  if (first === undefined) throw new Error('There is no error without a problem');
  const texts = sorted.slice(0, shown).map((problem) => show(problem, textOf));
  const more = sorted.length > shown ? `\n\n… and ${sorted.length - shown} more` : '';
  const text = texts.join('\n\n').slice(`error[${first.code}]: `.length);
  return new PortkitError(first.code, text + more, { cause: { problems: sorted } });
}

/** The problems that an error of `problemsError` tells of; none for any other. */
export function problemsOf(error: unknown): readonly Problem[] {
  const cause = error instanceof PortkitError ? error.cause : undefined;
  return typeof cause === 'object' && cause !== null && 'problems' in cause ? (cause.problems as readonly Problem[]) : [];
}

/** By file and place; what has no place comes last. */
function inOrder(problems: readonly Problem[]): readonly Problem[] {
  return problems.toSorted((a, b) => {
    const [x, y] = [a.location, b.location];
    if (x === undefined || y === undefined) return Number(x === undefined) - Number(y === undefined);
    if (x.file !== y.file) return x.file < y.file ? -1 : 1;
    return x.line - y.line || x.column - y.column;
  });
}

function show(problem: Problem, textOf: TextOf): string {
  const lines = [`error[${problem.code}]: ${printable(problem.message)}`];
  if (problem.location !== undefined) lines.push(codeFrame(problem.location, textOf(problem.location.file)));
  for (const { message, location } of problem.related ?? []) {
    lines.push(`  ${location === undefined ? '' : `::: ${showLocation(location)} `}${printable(message)}`);
  }
  if (problem.hint !== undefined) lines.push(`   = help: ${printable(problem.hint)}`);
  return lines.join('\n');
}
