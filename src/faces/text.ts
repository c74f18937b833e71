import { stripVTControlCharacters } from 'node:util';
import { printable } from '../base/printable.ts';

/** Characters of one text that are looked at; more is cut. */
const longest = 8192;
/** Most text is this, and needs no care. */
const ascii = /^[ -~]*$/;

/**
 * One line of hostile text as it may be shown: without escape sequences, control characters and marks that turn the
 * direction, and as a terminal would leave it when a carriage return drew over its beginning.
 */
export function shownLine(text: string): string {
  if (ascii.test(text) && text.length <= longest) return text;
  const plain = stripVTControlCharacters(text.slice(0, longest)).replace(/\r+$/, '');
  return printable(plain.slice(plain.lastIndexOf('\r') + 1).toWellFormed());
}

/** A message as lines that may be shown; an error of several lines stays several lines. */
export function shownLines(text: string): readonly string[] {
  return text.slice(0, longest).split('\n').map(shownLine);
}

/** Columns a shown line takes. Where terminals differ it is the larger number: a line must never be longer than it thinks. */
export function widthOf(line: string): number {
  if (ascii.test(line)) return line.length;
  let width = 0;
  for (const char of line) width += columnsOf(char);
  return width;
}

/** The line cut to so many columns, with `…` where something is missing. */
export function clip(line: string, columns: number): string {
  // A letter may carry any number of marks, which take no column.
  const longestShown = 4 * columns;
  if (line.length <= longestShown && widthOf(line) <= columns) return line;
  let shown = '';
  let width = 0;
  for (const char of line) {
    width += columnsOf(char);
    if (width > columns - 1 || shown.length >= longestShown) break;
    shown += char;
  }
  return columns > 0 ? `${shown}…` : '';
}

/** The line with spaces behind it, so that it takes so many columns. */
export function padTo(line: string, columns: number): string {
  return line + ' '.repeat(Math.max(0, columns - widthOf(line)));
}

/** East Asian Wide and Fullwidth of Unicode's EastAsianWidth.txt, by blocks; emoji are asked of the engine. */
const wide =
  /^[\u1100-\u115f\u231a\u231b\u2329\u232a\u2e80-\u303e\u3041-\ua4cf\ua960-\ua97f\uac00-\ud7a3\uf900-\ufaff\ufe10-\ufe19\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6\u{16fe0}-\u{18dff}\u{1aff0}-\u{1b2ff}\u{1f000}-\u{1fbff}\u{20000}-\u{3fffd}]|^\p{Emoji_Presentation}/u;

function columnsOf(char: string): number {
  if (char >= ' ' && char <= '~') return 1;
  // The selector that turns a sign into an emoji makes it wide.
  if (char === '\ufe0f') return 1;
  if (/^[\p{Mn}\p{Me}]/u.test(char)) return 0;
  return wide.test(char) ? 2 : 1;
}
