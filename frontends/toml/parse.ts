import { parse, TomlError } from 'smol-toml';
import type { Location } from '../../src/graph/graph.ts';
import type { Document, Finding } from './findings.ts';
import type { Definition } from './schema/definition.ts';
import { quote } from './words.ts';

/** Brackets and tables within each other. */
const maxDepth = 64;

/** Parts of a file that are given up before the rest is. */
const maxErrors = 20;

/** A file, the syntax errors in it, and the heads of what could not be parsed. */
export interface Parsed {
  readonly document: Document;
  readonly findings: readonly Finding[];
  readonly lost: readonly string[];
}

/**
 * Parses a file. A part that cannot be parsed (from one table head to the next) is told and blanked, so that the others
 * are checked too. What comes back has the form of a definition only once the schema has said so.
 */
export function parseDocument(file: string, folder: string, text: string): Parsed {
  const findings: Finding[] = [];
  const lost: string[] = [];
  let parsed = text.replace(/^\u{feff}/u, ' ');
  for (;;) {
    try {
      // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- see above
      const value = parse(parsed, { maxDepth, unsafeKeyBehaviour: 'throw' }) as unknown as Definition;
      return { document: { file, folder, parsed, variables: hasVariables(parsed), value }, findings, lost };
    } catch (error) {
      if (!(error instanceof TomlError)) throw error;
      findings.push(finding(file, parsed, error));
      const { start, end } = partAt(parsed, error.line);
      const part = findings.length < maxErrors ? parsed.slice(start, end) : parsed;
      for (const name of heads(part)) lost.push(name);
      const blank = part.replaceAll(/[^\n]/g, ' ');
      parsed = part === parsed ? blank : parsed.slice(0, start) + blank + parsed.slice(end);
      if (part.trim() === '') return { document: { file, folder, parsed: '', variables: false, value: {} }, findings, lost };
    }
  }
}

/** `${` as it is, or as escapes or a line that goes on in the next one may write it. */
function hasVariables(text: string): boolean {
  return /\$\{|\$\\|\\[uUx]/.test(text);
}

function finding(file: string, text: string, error: TomlError): Finding {
  const { line, column } = error;
  const [message = ''] = error.message.replace(/^Invalid TOML document: /, '').split('\n', 1);
  if (message.includes('unsafe property')) {
    return { code: 'PK1103', message: 'the names "constructor" and "__proto__" cannot be used', place: { file, line, column } };
  }
  if (!message.includes('redefine')) return { code: 'PK1101', message, place: { file, line, column } };
  const key = keyAt(text, line, column);
  const place: Location = { file, line, column, ...(key !== '' && { endColumn: column + key.length }) };
  const earlier = headOf(file, text, key);
  const related = earlier === undefined || earlier.line >= line ? [] : [{ message: 'has this name already', place: earlier }];
  return { code: 'PK1106', message: `${quote(key)} is there already`, place, related };
}

/** The key that begins at a place: up to the end of its head or pair. */
function keyAt(text: string, line: number, column: number): string {
  let start = 0;
  for (let at = 1; at < line; at += 1) start = text.indexOf('\n', start) + 1;
  return /^[^\]=\n]{0,200}/.exec(text.slice(start + column - 1, start + column + 200))?.[0].trimEnd() ?? '';
}

/** The first head of a table that is written like this. */
function headOf(file: string, text: string, key: string): Location | undefined {
  const head = new RegExp(String.raw`^[ \t]*\[(?=${RegExp.escape(key)}\])`, 'm').exec(text);
  if (head === null || key === '') return undefined;
  const column = head[0].length + 1;
  return { file, line: text.slice(0, head.index).split('\n').length, column, endColumn: column + key.length };
}

/** From the last table head at or above a line to the next one below it. */
function partAt(text: string, line: number): { readonly start: number; readonly end: number } {
  let start = 0;
  let at = 0;
  for (let number = 1; at < text.length; number += 1) {
    const isHead = /[ \t]*\[/y;
    isHead.lastIndex = at;
    if (isHead.test(text)) {
      if (number > line) return { start, end: at };
      start = at;
    }
    const next = text.indexOf('\n', at);
    if (next === -1) break;
    at = next + 1;
  }
  return { start, end: text.length };
}

/** The names of the steps that a lost part began. */
function heads(part: string): readonly string[] {
  return [...part.matchAll(/^[ \t]*\[[ \t]*steps[ \t]*\.[ \t]*["']?([A-Za-z0-9_.+-]+)/gm)].flatMap((match) => {
    const name = match[1] ?? '';
    return [name, name.replace(/\..*$/, '')];
  });
}
