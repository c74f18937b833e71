import type { ByteString } from '../../base/byte-string.ts';
import type { Digest } from '../../base/digest.ts';
import type { Item, TreeAccess } from './access.ts';
import { differences } from './differences.ts';
import type { Difference } from './differences.ts';
import { walkPairs } from './walk.ts';

/** One entry that two trees do not have alike. */
export type Change =
  | { readonly kind: 'added'; readonly path: ByteString; readonly after: Item }
  | { readonly kind: 'removed'; readonly path: ByteString; readonly before: Item }
  | {
      readonly kind: 'changed';
      readonly path: ByteString;
      readonly before: Item;
      readonly after: Item;
      readonly what: readonly Difference[];
    };

/**
 * What leads from one tree to the other, lazily and in the order of a listing: every entry that came, went or changed, with
 * the entries below what came and went. Subtrees of equal digest are not read, so the first changes cost little.
 */
export async function* diffTrees(before: Digest, after: Digest, access: TreeAccess): AsyncGenerator<Change> {
  for await (const pair of walkPairs([before, after], access)) {
    if (pair.before === undefined) {
      if (pair.after !== undefined) yield { kind: 'added', path: pair.path, after: pair.after };
    } else if (pair.after === undefined) yield { kind: 'removed', path: pair.path, before: pair.before };
    else {
      const what = differences(pair.before, pair.after);
      if (what.length > 0) yield { kind: 'changed', path: pair.path, before: pair.before, after: pair.after, what };
    }
  }
}
