import { tailLines } from '../progress/view.ts';
import type { StepRow } from '../progress/view.ts';
import type { Style } from './style.ts';
import { clip, shownLine, shownLines } from './text.ts';

/** Columns of a line of output that are shown; the log has the rest. */
const widest = 500;

/** Everything about a step that failed, in the form of every error of the house: code, place, last output, help, log. */
export function failureBlock(row: StepRow, style: Style): readonly string[] {
  const { code, message, hint, location, log } = row.failure ?? { code: 'PK7001', message: 'failed' };
  const [first = '', ...others] = shownLines(message);
  const lines = [`${style('bad', `error[${shownLine(code)}]`)}: step ${style('strong', shownLine(row.step))}: ${first}`];
  lines.push(...others.map((line) => `  ${line}`));
  if (location !== undefined) lines.push(`  --> ${shownLine(location)}`);
  const output = lastOutput(row, tailLines);
  if (output.length > 0) lines.push('   |', ...output.map((line) => `   | ${clip(line, widest)}`.trimEnd()), '   |');
  if (hint !== undefined) lines.push(...shownLines(hint).map((line, at) => (at === 0 ? `   = help: ${line}` : `     ${line}`)));
  if (log !== undefined) lines.push(`   = log: ${shownLine(log)}`);
  return lines;
}

/** The last lines that a step wrote, ready to be shown; the open line counts once it holds something. */
export function lastOutput({ tail }: StepRow, most: number): readonly string[] {
  const lines = tail.at(-1) === '' ? tail.slice(0, -1) : tail;
  return lines.slice(-most).map(shownLine);
}
