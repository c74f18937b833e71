import type { Attached } from './attached.ts';
import { parseBundle } from './bundle.ts';
import { jsonOf, parseStatement } from './statement.ts';

/** The predicates of what is said about an artifact, each once; who said it was not asked. */
export function unverifiedPredicates(attached: readonly Attached[], predicateTypes: readonly string[]): readonly unknown[] {
  const readable = attached.filter(
    ({ problem, predicateType }) => problem === undefined && isOneOf(predicateType, predicateTypes),
  );
  return distinct(readable.map(predicateOf));
}

/** Whether a predicate is of one of these types, or of a version of one (`https://cyclonedx.org/bom/v1.6`). */
export function isOneOf(predicateType: string, types: readonly string[]): boolean {
  return types.some((type) => predicateType === type || predicateType.startsWith(`${type}/`));
}

/** Each value once. */
export function distinct(values: readonly unknown[]): readonly unknown[] {
  return [...new Map(values.map((value) => [JSON.stringify(value), value])).values()];
}

function predicateOf({ form, content }: Attached): unknown {
  if (form === 'bill') return jsonOf(content, 'The bill of materials');
  return parseStatement(form === 'bundle' ? parseBundle(content).envelope.payload : content).predicate;
}
