import { printable } from '../base/printable.ts';
import { maskCredentials } from '../base/redact.ts';
import type { Location } from './graph.ts';

/** Columns of a source line that a frame shows. */
const width = 120;

/** `file:line:column`. */
export function showLocation(location: Location): string {
  return `${printable(location.file)}:${location.line}:${location.column}`;
}

/** The place with its source line and a caret below it; only the place when the text is not at hand. */
export function codeFrame(location: Location, text: string | undefined): string {
  const line = text === undefined ? undefined : lineAt(text, location.line);
  const gutter = ' '.repeat(String(location.line).length);
  const head = `${gutter} --> ${showLocation(location)}`;
  if (line === undefined) return head;
  const from = location.column > width - 20 ? location.column - 40 : 0;
  const visible = printable(maskCredentials(line).slice(from, from + width));
  const start = Math.max(0, Math.min(location.column - 1 - from, visible.length));
  const wanted = (location.endColumn ?? location.column + 1) - location.column;
  const caret = '^'.repeat(Math.max(1, Math.min(wanted, visible.length - start)));
  const cut = from > 0 ? '…' : '';
  return [
    head,
    `${gutter} |`,
    `${location.line} | ${cut}${visible}`.trimEnd(),
    `${gutter} | ${' '.repeat(start + cut.length)}${caret}`,
  ].join('\n');
}

function lineAt(text: string, line: number): string | undefined {
  let start = 0;
  for (let at = 1; at < line; at += 1) {
    start = text.indexOf('\n', start) + 1;
    if (start === 0) return undefined;
  }
  const end = text.indexOf('\n', start);
  return text.slice(start, end === -1 ? undefined : end).replace(/\r$/, '');
}
