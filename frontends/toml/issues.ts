import { z } from 'zod';
import { never } from '../../src/base/exhaustive.ts';
import { suggest } from '../../src/base/suggest.ts';
import type { Document, Finding, Path } from './findings.ts';
import { definition } from './schema/definition.ts';
import { quote, showPath, typeName, typeWord, valueAt } from './words.ts';

/** As much of a JSON Schema as is needed to know which keys could have been meant. */
interface Node {
  readonly properties?: Readonly<Record<string, Node>>;
  readonly additionalProperties?: Node | boolean;
  readonly items?: Node;
  readonly anyOf?: readonly Node[];
  readonly required?: readonly string[];
}

type Issue = z.core.$ZodIssue;

/** One issue with what lies around it: the whole value, where its path begins, and the schemas that hold there. */
interface Context {
  readonly document: Document;
  readonly whole: unknown;
  readonly base: Path;
  readonly nodes: readonly Node[];
}

/** No table of ours is deeper. */
const deepest = 20;

/** The same with TOML dates as something that fits nowhere: to zod they are tables without keys. */
function withoutDates(value: unknown, depth: number): unknown {
  if (value instanceof Date) return 0n;
  if (typeof value !== 'object' || value === null || depth > deepest) return value;
  if (Array.isArray(value)) return value.map((item) => withoutDates(item, depth + 1));
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, withoutDates(item, depth + 1)]));
}

/** What the schema of definitions says against a value that stands in a document, in our words. */
export function shapeFindings(document: Document, whole: unknown): readonly Finding[] {
  const result = definition.safeParse(withoutDates(whole, 0));
  if (result.success) return [];
  const nodes = [z.toJSONSchema(definition, { target: 'draft-7', io: 'input' }) as Node];
  return result.error.issues.flatMap((issue) => tell(issue, { document, whole, base: [], nodes }));
}

function tell(issue: Issue, context: Context): readonly Finding[] {
  const { document, whole } = context;
  const path: Path = [...context.base, ...issue.path.map((step) => (typeof step === 'symbol' ? '' : step))];
  const nodes = descend(context.nodes, issue.path);
  const value = valueAt(whole, path);
  const wrong = (message: string, hint?: string): Finding => ({
    code: 'PK1103',
    message: `${showPath(path)}: ${message}`,
    hint,
    place: { document, path, at: 'value' },
  });
  switch (issue.code) {
    case 'unrecognized_keys':
      return issue.keys.map((key) => unknownKey({ ...context, base: path, nodes }, key));
    case 'invalid_key':
      return [
        {
          code: 'PK1103',
          message: `${quote(String(path.at(-1)))}: ${issue.issues[0]?.message ?? 'this name is not allowed'}`,
          place: { document, path, at: 'key' },
        },
      ];
    case 'invalid_union':
      return tellUnion(issue, { ...context, base: path, nodes });
    case 'invalid_type':
      return value === undefined
        ? [missing(document, path)]
        : [wrong(`expected ${typeWord(issue.expected)}, not ${typeName(value)}`)];
    case 'invalid_value': {
      if (value === undefined) return [missing(document, path)];
      const values = issue.values.map(String);
      const near = typeof value === 'string' ? suggest(value, values) : undefined;
      return [wrong(`expected ${values.map(quote).join(' or ')}`, near && `did you mean ${quote(near)}?`)];
    }
    case 'too_small':
      return [wrong(issue.origin === 'array' ? 'expected at least one element' : issue.message)];
    case 'invalid_format':
    case 'too_big':
    case 'not_multiple_of':
    case 'invalid_element':
    case 'custom':
      return [wrong(issue.message)];
    default:
      return never(issue);
  }
}

function missing(document: Document, path: Path): Finding {
  const above = path.slice(0, -1);
  return {
    code: 'PK1103',
    message: `${showPath(above)}: the key ${quote(String(path.at(-1)))} is missing`,
    place: { document, path: above, at: 'key' },
  };
}

function unknownKey({ document, base, nodes }: Context, key: string): Finding {
  const known = nodes.flatMap((node) => Object.keys(node.properties ?? {}));
  const near = suggest(key, known);
  return {
    code: 'PK1102',
    message: `unknown key ${quote(key)} in ${showPath(base)}`,
    hint: near === undefined ? `the keys are ${[...new Set(known)].join(', ')}` : `did you mean ${quote(near)}?`,
    place: { document, path: [...base, key], at: 'key' },
  };
}

/** Tells what is wrong with the alternative that was meant. */
function tellUnion(issue: Extract<Issue, { code: 'invalid_union' }>, context: Context): readonly Finding[] {
  const { document, whole, base, nodes } = context;
  const value = valueAt(whole, base);
  if (value === undefined) return [missing(document, base)];
  const choices = issue.errors.map((issues, at) => ({ issues, node: alternative(nodes, issue.errors.length, at) }));
  const fitting = choices.filter(({ issues }) => !issues.some(isWrongType));
  if (fitting.length === 0) {
    const words = choices.flatMap(({ issues }) => issues.flatMap((one) => (isWrongType(one) ? [expectation(one)] : [])));
    return [place(context, `${showPath(base)}: expected ${[...new Set(words)].join(' or ')}`)];
  }
  const tag = commonTag(fitting.map(({ issues }) => issues));
  if (tag !== undefined) return tell(tag, context);
  const meant = fitting.filter(({ node }) => hasKind(value, node));
  const kinds = fitting.flatMap(({ node }) => node.required?.[0] ?? []);
  if (meant.length === 0 && kinds.length === fitting.length) return [noKind(context, value, kinds)];
  // The alternative whose fixed words are there was meant, however much else of it is missing.
  const best = (meant.length === 0 ? fitting : meant).toSorted(
    (a, b) => wrongWords(a.issues) - wrongWords(b.issues) || a.issues.length - b.issues.length,
  )[0];
  return best === undefined ? [] : best.issues.flatMap((one) => tell(one, { ...context, nodes: [best.node] }));
}

function wrongWords(issues: readonly Issue[]): number {
  return issues.filter(({ code }) => code === 'invalid_value').length;
}

/** A table of which kind no key tells. */
function noKind(context: Context, value: unknown, kinds: readonly string[]): Finding {
  const keys = typeof value === 'object' && value !== null ? Object.keys(value) : [];
  const typo = keys.find((key) => suggest(key, kinds) !== undefined);
  if (typo !== undefined)
    return unknownKey({ ...context, nodes: [{ properties: Object.fromEntries(kinds.map((kind) => [kind, {}])) }] }, typo);
  return place(context, `${showPath(context.base)}: expected one of the keys ${kinds.join(', ')}`);
}

function place({ document, base }: Context, message: string): Finding {
  return { code: 'PK1103', message, place: { document, path: base, at: 'value' } };
}

function isWrongType(issue: Issue): boolean {
  return issue.path.length === 0 && (issue.code === 'invalid_type' || issue.code === 'invalid_value');
}

function expectation(issue: Issue): string {
  if (issue.code === 'invalid_type') return typeWord(issue.expected);
  return issue.code === 'invalid_value' ? issue.values.map((value) => quote(String(value))).join(' or ') : issue.message;
}

/** When every alternative asks for another value of one key: one issue that asks for any of them. */
function commonTag(errors: readonly (readonly Issue[])[]): Issue | undefined {
  const tags = errors.map((issues) => issues.find((issue) => issue.code === 'invalid_value'));
  const [first] = tags;
  if (first === undefined || !tags.every((tag) => tag !== undefined && String(tag.path) === String(first.path))) return undefined;
  return { ...first, values: tags.flatMap((tag) => tag?.values ?? []) };
}

function hasKind(value: unknown, node: Node): boolean {
  const kind = node.required?.[0];
  return kind !== undefined && typeof value === 'object' && value !== null && Object.hasOwn(value, kind);
}

function alternative(nodes: readonly Node[], count: number, at: number): Node {
  return nodes.find((node) => node.anyOf?.length === count)?.anyOf?.[at] ?? {};
}

function descend(nodes: readonly Node[], path: readonly PropertyKey[]): readonly Node[] {
  return path.reduce<readonly Node[]>((at, step) => at.flatMap((node) => below(node, step)), nodes).flatMap(flat);
}

function below(node: Node, step: PropertyKey): readonly Node[] {
  return flat(node).flatMap(({ properties, additionalProperties, items }) => {
    if (typeof step === 'number') return items ?? [];
    const own =
      properties !== undefined && typeof step === 'string' && Object.hasOwn(properties, step) ? properties[step] : undefined;
    return own ?? (typeof additionalProperties === 'object' ? additionalProperties : []);
  });
}

/** A node and its alternatives. */
function flat(node: Node): readonly Node[] {
  return [node, ...(node.anyOf ?? [])];
}
