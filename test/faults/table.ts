import type { Control, Row } from './row.ts';

/** A row and how long its class took. */
export interface Timed {
  readonly row: Row;
  readonly seconds: number;
}

const head = ['Fault', 'Tried', 'Acknowledged', 'Lost', 'Corrupt', 'Other', 'Caught on broken stores', 'Seconds'];

/** The table of all classes, as a formatter of Markdown would lay it out. */
export function tableOf(timed: readonly Timed[]): string {
  const rows = timed.map(cellsOf);
  const widths = head.map((title, at) => Math.max(title.length, ...rows.map((cells) => cells[at]?.length ?? 0)));
  const isText = (at: number): boolean => at === 0 || at === 6;
  const line = (cells: readonly string[]): string =>
    `| ${cells.map((cell, at) => (isText(at) ? cell.padEnd(widths[at] ?? 0) : cell.padStart(widths[at] ?? 0))).join(' | ')} |`;
  const rule = widths.map((width, at) => (isText(at) ? '-'.repeat(width) : `${'-'.repeat(width - 1)}:`));
  return [line(head), line(rule), ...rows.map(line)].join('\n');
}

function cellsOf({ row, seconds }: Timed): readonly string[] {
  if (row.skipped !== undefined) return [row.name, '', '', '', '', '', `skipped: ${row.skipped}`, ''];
  const counts = [row.faults, row.acknowledged, row.lost, row.corrupt, row.broken.length].map(String);
  return [row.name, ...counts, row.controls.map(sayControl).join('; '), seconds.toFixed(0)];
}

function sayControl({ mutant, caught }: Control): string {
  return `${mutant}: ${caught === 0 ? 'NOT CAUGHT' : caught}`;
}
