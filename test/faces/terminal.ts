/** A terminal of its own making: what a face writes is applied to a screen that can be compared. */
export interface Terminal {
  write(text: string): void;
  /** Makes it wider or narrower; lines that wrapped are joined and folded again, as most terminals do. */
  resize(columns: number): void;
  size(): { readonly columns: number; readonly rows: number };
  /** Every line there ever was, those that have scrolled away first, without empty ones at the end. */
  lines(): readonly string[];
  readonly modes: { wrap: boolean; cursor: boolean };
}

interface Row {
  readonly cells: string[];
  /** It goes on in the next row. */
  wrapped: boolean;
}

const empty = (): Row => ({ cells: [], wrapped: false });

/** Characters of the stories that take two columns; an own list, so that the face's table is checked by another. */
const wideOnes = new Set('漢字日本語한국어🚀🧱');

/** A terminal with so many columns and rows; it throws at any control that no face has a reason to send. */
export function createTerminal(columns: number, rows: number): Terminal {
  let screen: Row[] = [empty()];
  let [x, y] = [0, 0];
  /** The last column is written, and the next character will wrap. */
  let pending = false;
  const modes = { wrap: true, cursor: true };
  const top = () => Math.max(0, screen.length - rows);
  const row = (): Row => screen[y] ?? empty();

  function newline(wrapped: boolean): void {
    row().wrapped = wrapped;
    [x, y, pending] = [0, y + 1, false];
    if (y >= screen.length) screen.push(empty());
  }
  function put(char: string): void {
    const width = wideOnes.has(char) ? 2 : 1;
    if (pending || x + width > columns) {
      if (modes.wrap) newline(true);
      else x = columns - width;
      pending = false;
    }
    const { cells } = row();
    while (cells.length < x) cells.push(' ');
    cells.splice(x, width, char, ...(width === 2 ? [''] : []));
    x += width;
    if (x >= columns) [x, pending] = [columns - 1, true];
  }
  function control(parameters: string, final: string): void {
    switch (final) {
      case 'A':
        y = Math.max(top(), y - Number(parameters));
        pending = false;
        return;
      case 'K':
        row().cells.length = Math.min(row().cells.length, x);
        row().wrapped = false;
        return;
      case 'h':
      case 'l':
        if (parameters === '?7') modes.wrap = final === 'h';
        else if (parameters === '?25') modes.cursor = final === 'h';
        else if (parameters !== '?2026') throw new Error(`A mode was set: ${parameters}${final}`);
        return;
      case 'm':
        return;
      default:
        throw new Error(`The terminal was steered: ${parameters}${final}`);
    }
  }
  return {
    modes,
    size: () => ({ columns, rows }),
    write(text) {
      // oxlint-disable-next-line no-control-regex -- a terminal is all about them
      for (const [piece, parameters, final] of text.matchAll(/\x1b\[([?\d;]*)([A-Za-z])|[^]/gu)) {
        if (final !== undefined) control(parameters ?? '', final);
        else if (piece === '\n') newline(false);
        else if (piece === '\r') [x, pending] = [0, false];
        else if (/\p{Cc}|\p{Bidi_Control}/u.test(piece)) throw new Error(`The terminal was steered: ${JSON.stringify(piece)}`);
        else if (!/\p{Mn}/u.test(piece)) put(piece);
        else row().cells[Math.max(0, x - 1)] += piece;
      }
    },
    resize(wider) {
      const joined: string[][] = [];
      let open: string[] | undefined;
      let cursorLine = 0;
      for (const [at, { cells, wrapped }] of screen.entries()) {
        if (open === undefined) joined.push((open = []));
        open.push(...cells);
        if (at === y) cursorLine = joined.length - 1;
        if (!wrapped) open = undefined;
      }
      columns = wider;
      const folded = joined.map((cells) => fold(cells, columns));
      y = folded.slice(0, cursorLine).reduce((count, part) => count + part.length, 0);
      screen = folded.flat();
      [x, pending] = [0, false];
    },
    lines() {
      const all = screen.map(({ cells }) => cells.join('').trimEnd());
      while (all.at(-1) === '') all.pop();
      return all;
    },
  };
}

function fold(cells: readonly string[], columns: number): Row[] {
  const rows: Row[] = [];
  for (let at = 0; at < cells.length || rows.length === 0; at += columns) {
    rows.push({ cells: cells.slice(at, at + columns), wrapped: at + columns < cells.length });
  }
  return rows;
}
