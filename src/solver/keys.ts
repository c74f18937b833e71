import { digestOf } from '../base/digest.ts';
import type { Digest } from '../base/digest.ts';
import type { Ref } from '../base/ref.ts';

/** What a key says of one input: the content when that is known, else the definition key of its vertex and the output meant. */
export type KeyInput = Ref | { readonly definition: Digest; readonly output: number };

/**
 * The key of a step: everything that decides its result. With definitions as inputs it can be asked before anything has run,
 * with contents it finds the same work under another definition. When all inputs are known from the start both are one.
 */
export function keyOf(code: string, facts: Readonly<Record<string, string>>, inputs: readonly KeyInput[]): Digest {
  const named = Object.keys(facts)
    .sort()
    .map((name) => [name, facts[name]]);
  const taken = inputs.map((input) => ('kind' in input ? [input.kind, input.digest] : [input.output, input.definition]));
  // JSON of lists of strings and numbers is one text for one value: no canonical form has to be made.
  return digestOf(JSON.stringify(['portkit step 1', code, named, taken]));
}
