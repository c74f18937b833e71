import { stripVTControlCharacters } from 'node:util';
import type { Write } from './face.ts';
import type { Size } from './frame.ts';
import { widthOf } from './text.ts';

// Control sequences of ECMA-48 and of xterm; a terminal that does not know synchronized updates (2026) passes over them.
const begin = '\x1b[?2026h\x1b[?25l';
const finish = '\x1b[?25h\x1b[?2026l';
const [wrapOff, wrapOn] = ['\x1b[?7l', '\x1b[?7h'];
const eraseRest = '\x1b[K';

/** What is to be seen next. */
interface Frame {
  /** Lines that stay, above the live ones. */
  readonly lasting: readonly string[];
  /** Lines that the next frame draws over; each must fit. */
  readonly live: readonly string[];
  readonly size: Size;
}

/**
 * Draws frames, each below the lasting lines so far, with one write for each. Between two frames the terminal is always as it
 * was found (cursor shown, lines wrap), so whatever ends the program leaves it whole.
 */
export function createPainter(write: Write): (frame: Frame) => void {
  let drawn: readonly string[] = [];
  let drawnColumns = 0;
  return ({ lasting, live, size }) => {
    const same = size.columns === drawnColumns && live.length === drawn.length && live.every((line, at) => line === drawn[at]);
    if (lasting.length === 0 && same) return;
    const rows = rowsOf(drawn, size.columns);
    const up = rows > 0 ? `\x1b[${rows}A` : '';
    // As many lines that fit are drawn over in place; what stays may wrap over old ones, and needs clear ground. It is
    // cleared line by line: some terminals save the screen to their history when all of it is erased at once.
    const ground = lasting.length > 0 || live.length < rows ? `${`${eraseRest}\n`.repeat(rows)}${eraseRest}${up}` : '';
    const above = lasting.map((line) => `${line}\n`).join('');
    const below = live.map((line) => `${line}${eraseRest}\n`).join('');
    write(`${begin}\r${up}${ground}${above}${wrapOff}${below}${wrapOn}${eraseRest}${finish}`);
    drawn = live;
    drawnColumns = size.columns;
  };
}

/** Rows that lines take now: a terminal that became narrower has folded them. */
function rowsOf(lines: readonly string[], columns: number): number {
  return lines.reduce((rows, line) => rows + Math.max(1, Math.ceil(widthOf(stripVTControlCharacters(line)) / columns)), 0);
}
