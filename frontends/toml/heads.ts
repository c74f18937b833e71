import type { Location } from '../../src/graph/graph.ts';

/** Comments and strings, so that nothing in them is taken for a table head; and the heads of steps, with their name. */
const tokens =
  /#[^\n]*|"""[^"\\]*(?:(?:\\[\s\S]|"{1,2}(?!"))[^"\\]*)*"{3,5}|'''[^']*(?:'{1,2}(?!')[^']*)*'{3,5}|^[ \t]*\[[ \t]*steps[ \t]*\.[ \t]*(?:([A-Za-z0-9_-]+)|"([^"\\\n]+)"|'([^'\n]+)')[ \t]*[\].]|"(?:[^"\\\n]|\\.)*"|'[^'\n]*'/gm;

/** Where the tables of the steps begin, by name: one pass over a text that is known to be TOML. */
export function stepHeads(file: string, text: string): ReadonlyMap<string, Location> {
  const found = new Map<string, Location>();
  let line = 1;
  let lineStart = 0;
  for (const match of text.matchAll(tokens)) {
    const name = match[1] ?? match[2] ?? match[3];
    if (name === undefined || found.has(name)) continue;
    for (let next = text.indexOf('\n', lineStart); next !== -1 && next < match.index; next = text.indexOf('\n', lineStart)) {
      line += 1;
      lineStart = next + 1;
    }
    const column = match.index - lineStart + match[0].lastIndexOf(name) + 1;
    found.set(name, { file, line, column, endColumn: column + name.length });
  }
  return found;
}
