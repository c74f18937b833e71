import type { Location } from '../../src/graph/graph.ts';

/** Comments and strings, so that nothing in them is taken for a table head; and the heads of steps, with their name. */
const tokens =
  /#[^\n]*|"""|'''|^[ \t]*\[[ \t]*steps[ \t]*\.[ \t]*(?:([A-Za-z0-9_-]+)|"([^"\\\n]+)"|'([^'\n]+)')[ \t]*[\].]|"(?:[^"\\\n]|\\.)*"|'[^'\n]*'/gm;

/** Where the tables of the steps begin, by name: one pass over a text that is known to be TOML. */
export function stepHeads(file: string, text: string): ReadonlyMap<string, Location> {
  const found = new Map<string, Location>();
  const token = new RegExp(tokens);
  let line = 1;
  let lineStart = 0;
  for (let match = token.exec(text); match !== null; match = token.exec(text)) {
    const [whole] = match;
    if (whole === '"""' || whole === "'''") token.lastIndex = endOfString(text, whole, token.lastIndex);
    const name = match[1] ?? match[2] ?? match[3];
    if (name === undefined || found.has(name)) continue;
    for (let next = text.indexOf('\n', lineStart); next !== -1 && next < match.index; next = text.indexOf('\n', lineStart)) {
      line += 1;
      lineStart = next + 1;
    }
    const column = match.index - lineStart + whole.lastIndexOf(name) + 1;
    found.set(name, { file, line, column, endColumn: column + name.length });
  }
  return found;
}

/** Past the end of a string of several lines, which may have two more quotes before the three that close it. */
function endOfString(text: string, quotes: string, from: number): number {
  let end = text.indexOf(quotes, from);
  if (quotes === '"""') while (end !== -1 && isEscaped(text, end, from)) end = text.indexOf(quotes, end + 1);
  if (end === -1) return text.length;
  end += 3;
  for (let more = 0; more < 2 && text[end] === quotes[0]; more += 1) end += 1;
  return end;
}

/** Whether an odd number of backslashes stands before a place. */
function isEscaped(text: string, at: number, from: number): boolean {
  let start = at;
  while (start > from && text[start - 1] === '\\') start -= 1;
  return (at - start) % 2 === 1;
}
