import type { AST } from 'toml-eslint-parser';
import { parseTOML } from 'toml-eslint-parser';
import type { Location } from '../../src/graph/graph.ts';
import { showLocation } from '../../src/graph/location.ts';
import type { Problem } from '../../src/graph/problem.ts';
import type { Document, Finding, Place } from './findings.ts';

/** The keys of a document as a tree, each with where it and its value stand. */
interface Branch {
  key?: AST.SourceLocation;
  value?: AST.SourceLocation;
  readonly below: Map<string | number, Branch>;
}

/** Problems whose hints are worked out. */
const hinted = 100;

/** Findings as problems with line and column; what is found in several cells of a matrix is told once. */
export function locateAll(findings: readonly Finding[]): readonly Problem[] {
  const locate = locator();
  const problems = new Map<string, Problem>();
  for (const { code, message, hint, place, related = [] } of findings) {
    const location = locate(place);
    const others = related.map((other) => ({ message: other.message, location: locate(other.place) }));
    const key = `${code} ${showLocation(location)} ${message}`;
    if (problems.has(key)) continue;
    const told = typeof hint !== 'function' ? hint : problems.size < hinted ? hint() : undefined;
    problems.set(key, { code, message, hint: told, location, related: others });
  }
  return [...problems.values()];
}

/** Answers where places are; each document is parsed once, when it is first asked about. */
export function locator(): (place: Place | Location) => Location {
  const trees = new Map<Document, Branch>();
  return (place) => {
    if (!('document' in place)) return place;
    const tree = trees.get(place.document) ?? branches(place.document.parsed);
    trees.set(place.document, tree);
    return nearest(place, tree);
  };
}

/** The place itself, or the nearest thing above it that has a place. */
function nearest({ document, path, at }: Place, tree: Branch): Location {
  let branch: Branch | undefined = tree;
  let found: AST.SourceLocation | undefined;
  for (const [depth, step] of path.entries()) {
    branch = branch.below.get(step);
    if (branch === undefined) break;
    found = (depth === path.length - 1 && at === 'value' ? branch.value : branch.key) ?? branch.key ?? branch.value ?? found;
  }
  const { file } = document;
  if (found === undefined) return { file, line: 1, column: 1 };
  const { start, end } = found;
  const column = start.column + 1;
  return {
    file,
    line: start.line,
    column,
    ...(end.line === start.line && end.column >= column && { endColumn: end.column + 1 }),
  };
}

function branches(text: string): Branch {
  const root: Branch = { below: new Map() };
  for (const entry of topLevel(text)) {
    if (entry.type === 'TOMLKeyValue') addPair(root, entry);
    else {
      const table = descend(root, entry.resolvedKey, entry.key.keys);
      for (const pair of entry.body) addPair(table, pair);
    }
  }
  return root;
}

/** Nothing, if this parser refuses what the other one took: then places are as good as what is above them. */
function topLevel(text: string): readonly (AST.TOMLKeyValue | AST.TOMLTable)[] {
  try {
    return parseTOML(text).body[0].body;
  } catch {
    return [];
  }
}

/** Along the keys of a table head or of a dotted key; positions in arrays of tables have no key of their own. */
function descend(
  from: Branch,
  path: readonly (string | number)[],
  keys: readonly AST.SourceLocation[] | readonly AST.TOMLKey['keys'][number][],
): Branch {
  let branch = from;
  let at = 0;
  for (const step of path) {
    const next: Branch = branch.below.get(step) ?? { below: new Map() };
    branch.below.set(step, next);
    const key = typeof step === 'number' ? keys[at - 1] : keys[at++];
    if (key !== undefined && 'loc' in key) next.key ??= key.loc;
    branch = next;
  }
  return branch;
}

function addPair(table: Branch, { key, value }: AST.TOMLKeyValue): void {
  const names = key.keys.map((part) => (part.type === 'TOMLBare' ? part.name : part.value));
  addValue(descend(table, names, key.keys), value);
}

function addValue(branch: Branch, value: AST.TOMLContentNode): void {
  branch.value = value.loc;
  if (value.type === 'TOMLInlineTable') for (const pair of value.body) addPair(branch, pair);
  if (value.type !== 'TOMLArray') return;
  for (const [at, element] of value.elements.entries()) {
    const below: Branch = { below: new Map() };
    branch.below.set(at, below);
    addValue(below, element);
  }
}
