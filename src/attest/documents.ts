import type { Attached } from './attached.ts';
import { parseBundle } from './bundle.ts';
import { jsonOf, parseStatement } from './statement.ts';

/** What is said about an artifact, and of which kind it is. */
export interface Document {
  readonly predicateType: string;
  readonly document: unknown;
}

/** What is said about an artifact, each once; who said it was not asked. */
export function unverifiedDocuments(attached: readonly Attached[], predicateTypes: readonly string[]): readonly Document[] {
  const readable = attached.filter(
    ({ problem, predicateType }) => problem === undefined && isOneOf(predicateType, predicateTypes),
  );
  return distinct(readable.map((one) => ({ predicateType: one.predicateType, document: predicateOf(one) })));
}

/** Whether a predicate is of one of these types, or of a version of one (`https://cyclonedx.org/bom/v1.6`). */
export function isOneOf(predicateType: string, types: readonly string[]): boolean {
  return types.some((type) => predicateType === type || predicateType.startsWith(`${type}/`));
}

/** Each value once, in whatever order its members are: what is signed is written in another one than what stands by itself. */
export function distinct<Value>(values: readonly Value[]): readonly Value[] {
  const found = new Map<string, Value>();
  for (const value of values) {
    const text = JSON.stringify(value, sortedMembers);
    if (!found.has(text)) found.set(text, value);
  }
  return [...found.values()];
}

function sortedMembers(_: string, value: unknown): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value;
  return Object.fromEntries(Object.entries(value).toSorted(([a], [b]) => (a < b ? -1 : 1)));
}

function predicateOf({ form, content }: Attached): unknown {
  if (form === 'bill') return jsonOf(content, 'The bill of materials');
  return parseStatement(form === 'bundle' ? parseBundle(content).envelope.payload : content).predicate;
}
