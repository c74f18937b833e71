import { showDuration } from '../base/units.ts';
import type { Moment } from '../progress/event.ts';
import type { BuildView, StepRow } from '../progress/view.ts';
import { lastOutput } from './failure.ts';
import { tookText, transferText, whyText } from './lines.ts';
import type { Style } from './style.ts';
import { clip, padTo, shownLine } from './text.ts';

/** The room that is drawn on, in characters. */
export interface Size {
  readonly columns: number;
  readonly rows: number;
}

/** A build that runs, at a moment, in a room. */
interface Scene {
  readonly view: BuildView;
  readonly now: Moment;
  readonly size: Size;
  readonly style: Style;
}

/** Lines the live part takes at most: the lines above it are read, too. */
const mostLines = 16;
/** Lines of output below a step that runs alone; below one of several only the last. */
const outputOfOne = 5;
/** Columns that names line up in; a longer name pushes its line to the right. */
const nameColumns = 24;

/**
 * What is drawn over and over: the steps that run with their last output, and the totals. No line is wider than the room
 * less one column, nor are there more lines than its rows less one.
 */
export function liveLines({ view, now, size, style }: Scene): readonly string[] {
  const width = size.columns - 1;
  const lines: string[] = [];
  let room = Math.max(0, Math.min(mostLines, size.rows - 1) - 1);
  const outputLines = view.running.size === 1 ? outputOfOne : 1;
  let left = view.running.size;
  for (const row of view.running) {
    // One line is kept for the count of those that find no place.
    const free = left > 1 ? room - 1 : room;
    if (free <= 0) break;
    const output = free > 1 ? lastOutput(row, Math.min(free - 1, outputLines)) : [];
    lines.push(headOf(row, { now, width, style }));
    lines.push(...output.map((line) => style('quiet', clip(`  │ ${line}`, width))));
    room -= 1 + output.length;
    left -= 1;
  }
  if (left > 0 && room > 0) lines.push(style('quiet', clip(`  and ${left} more`, width)));
  return [...lines, style('strong', clip(standing(view, now), width))];
}

/** `agent  4.2 s  input src changed`, or how far its transfer has come. */
function headOf(
  row: StepRow,
  { now, width, style }: { readonly now: Moment; readonly width: number; readonly style: Style },
): string {
  const name = padTo(`● ${shownLine(row.step)}`, nameColumns);
  const what = row.transfer === undefined ? whyText(row.reasons) : transferText(row.transfer);
  const line = clip(`${name}  ${tookText(row, now).padStart(8)}  ${what}`, width);
  return line.startsWith(name) ? style('strong', name) + line.slice(name.length) : style('strong', line);
}

/** Where the whole build stands: `12.4 s: 3 of 30 built, 2 running, 5 cached`. */
function standing(view: BuildView, now: Moment): string {
  const { counts } = view;
  const parts = [`${counts.done} of ${Math.max(view.total, view.steps.size)} built`];
  for (const state of ['running', 'queued', 'cached', 'failed'] as const) {
    if (counts[state] > 0) parts.push(`${counts[state]} ${state}`);
  }
  return `${showDuration(now)}: ${parts.join(', ')}`;
}
