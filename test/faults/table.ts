import type { Control, Row } from './row.ts';

const head = ['Fault', 'Tried', 'Acknowledged', 'Lost', 'Corrupt', 'Other', 'Caught on broken stores', 'Seconds'];

/** The table of some classes, as a formatter of Markdown would lay it out. */
export function tableOf(rows: readonly Row[]): string {
  return layOut(rows.map(cellsOf));
}

/** A text with its table made anew: rows take the place of older ones of their name, and the other rows stay. */
export function withTable(text: string, rows: readonly Row[]): string {
  return text.replace(/<!-- table -->([^]*)<!-- end -->/, (_, old: string) => {
    const kept = old
      .split('\n')
      .filter((line) => line.startsWith('| '))
      .slice(2);
    const cells = new Map<string | undefined, readonly string[]>(
      kept.map((line) => line.slice(2, -2).split(' | ')).map((row) => [row[0]?.trim(), row.map((cell) => cell.trim())]),
    );
    for (const row of rows) cells.set(row.name, cellsOf(row));
    return `<!-- table -->\n\n${layOut([...cells.values()])}\n\n<!-- end -->`;
  });
}

function layOut(rows: readonly (readonly string[])[]): string {
  const widths = head.map((title, at) => Math.max(title.length, ...rows.map((cells) => cells[at]?.length ?? 0)));
  const isText = (at: number): boolean => at === 0 || at === 6;
  const line = (cells: readonly string[]): string =>
    `| ${cells.map((cell, at) => (isText(at) ? cell.padEnd(widths[at] ?? 0) : cell.padStart(widths[at] ?? 0))).join(' | ')} |`;
  const rule = widths.map((width, at) => (isText(at) ? '-'.repeat(width) : `${'-'.repeat(width - 1)}:`));
  return [line(head), line(rule), ...rows.map(line)].join('\n');
}

function cellsOf(row: Row): readonly string[] {
  if (row.skipped !== undefined) return [row.name, '', '', '', '', '', `skipped: ${row.skipped}`, ''];
  const counts = [row.faults, row.acknowledged, row.lost, row.corrupt, row.broken.length];
  return [row.name, ...counts.map(String), row.controls.map(sayControl).join('; '), String(row.seconds)];
}

function sayControl({ mutant, caught }: Control): string {
  return `${mutant}: ${caught === 0 ? 'NOT CAUGHT' : caught}`;
}
