import { posix } from 'node:path';
import type { FrontendContext, Source } from '../../src/graph/frontend.ts';
import type { Document, Finding } from './findings.ts';
import { parseDocument } from './parse.ts';
import { quote } from './words.ts';

/** Files of one definition. */
const maxFiles = 200;

/** Characters of one file. */
const maxLength = 16 << 20;

/** Every file of a definition, included ones before those that include them. */
export interface Files {
  readonly documents: readonly Document[];
  /** Texts by the name that messages show. */
  readonly texts: ReadonlyMap<string, string>;
  readonly findings: readonly Finding[];
  /** Names of steps whose tables could not be parsed. */
  readonly lost: ReadonlySet<string>;
}

/** A file that is being read: its name in the definition's folder, and which of its includes are still to come. */
interface Open {
  readonly name: string;
  readonly document: Document;
  next: number;
}

/** Reads a definition and what it includes; a file that is included twice counts once. */
export function readFiles(source: Source, context: Pick<FrontendContext, 'read' | 'signal'>): Files {
  const documents: Document[] = [];
  const texts = new Map<string, string>();
  const findings: Finding[] = [];
  const lost = new Set<string>();
  const folder = posix.dirname(source.path);
  const met = new Set<string>();

  function open(name: string, text: string): Open {
    context.signal.throwIfAborted();
    const file = name === posix.basename(source.path) ? source.path : posix.join(folder, name);
    const parsed = parseDocument(file, posix.dirname(name) === '.' ? '' : posix.dirname(name), text);
    met.add(name);
    texts.set(file, text);
    findings.push(...parsed.findings);
    for (const step of parsed.lost) lost.add(step);
    return { name, document: parsed.document, next: 0 };
  }

  const stack: Open[] = [];
  if (source.text.length > maxLength) findings.push(tooLong(source.path));
  else stack.push(open(posix.basename(source.path), source.text));
  for (let top = stack.at(-1); top !== undefined; top = stack.at(-1)) {
    const { document } = top;
    const at = top.next++;
    const include = includesOf(document)[at];
    if (include === undefined) {
      documents.push(document);
      stack.pop();
      continue;
    }
    const place = { document, path: ['include', at], at: 'value' } as const;
    const refuse = (message: string): unknown => findings.push({ code: 'PK1108', message, place });
    const name = typeof include === 'string' ? inside(document.folder, include) : undefined;
    if (typeof include !== 'string') continue;
    if (name === undefined) refuse(`${quote(include)} is not a file below the definition's folder`);
    else if (stack.some((open) => open.name === name)) refuse(`${quote(include)} includes itself: ${circle(stack, name)}`);
    else if (!met.has(name) && met.size >= maxFiles) refuse(`a definition has at most ${maxFiles} files`);
    else if (!met.has(name)) {
      const text = context.read(name);
      if (text === undefined) refuse(`there is no file ${quote(include)}`);
      else if (text.length > maxLength) refuse(`${quote(include)} has more than ${maxLength} characters`);
      else stack.push(open(name, text));
    }
  }
  return { documents, texts, findings, lost };
}

/** What the file lists, before anyone has checked its form. */
function includesOf(document: Document): readonly unknown[] {
  const { include } = document.value as { readonly include?: unknown };
  return Array.isArray(include) ? include : [];
}

/** The name of a file below the definition's folder; undefined for any other. */
function inside(folder: string, path: string): string | undefined {
  // oxlint-disable-next-line no-control-regex -- control characters have no place in a path
  if (path === '' || path.startsWith('/') || /[\0-\x1f\\]/.test(path)) return undefined;
  const name = posix.join(folder, path);
  return name.startsWith('../') || name === '..' || name === '.' || name.endsWith('/') ? undefined : name;
}

function circle(stack: readonly Open[], name: string): string {
  const names = stack.map((open) => open.name);
  return [...names.slice(names.indexOf(name)), name].join(' → ');
}

function tooLong(file: string): Finding {
  return { code: 'PK1110', message: `the definition has more than ${maxLength} characters`, place: { file, line: 1, column: 1 } };
}
