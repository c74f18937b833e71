import { fromBytes } from '../../base/byte-string.ts';
import type { ByteString } from '../../base/byte-string.ts';
import type { Digest } from '../../base/digest.ts';
import { readItem } from './access.ts';
import type { Item, TreeAccess } from './access.ts';
import type { Entry } from './node.ts';
import { joinPath } from './path.ts';

/** One path and what two trees have there; at least one has something. */
export interface Pair {
  readonly path: ByteString;
  readonly before: Item | undefined;
  readonly after: Item | undefined;
}

/** Two directories being walked: what is left of each, in order of names. */
interface Frame {
  readonly path: ByteString;
  readonly pairs: Iterator<EntryPair, undefined>;
}

type EntryPair = readonly [before: Entry | undefined, after: Entry | undefined];

/**
 * Walks two trees side by side from their roots (the empty path), a directory before its entries, entries by name.
 * Directories of equal digest are passed over unread. Nothing recurses, so depth costs memory and no stack.
 */
export async function* walkPairs(
  roots: readonly [Digest | undefined, Digest | undefined],
  access: TreeAccess,
): AsyncGenerator<Pair> {
  const [before, after] = roots.map((node): Entry | undefined => node && { type: 'dir', name: fromBytes(Buffer.of()), node });
  const stack: Frame[] = [{ path: fromBytes(Buffer.of()), pairs: [[before, after] as const].values() }];
  for (let top = stack.at(-1); top !== undefined; top = stack.at(-1)) {
    const next = top.pairs.next().value;
    if (next === undefined) stack.pop();
    else if (!sameDirectory(next)) {
      const pair = await readPair(top.path, next, access);
      yield pair;
      const inner = [pair.before, pair.after].map((item) => (item?.type === 'dir' ? item.entries : undefined));
      if (inner.some((entries) => entries !== undefined)) {
        stack.push({ path: pair.path, pairs: zip(inner[0] ?? [], inner[1] ?? []) });
      }
    }
  }
}

function sameDirectory([before, after]: EntryPair): boolean {
  return before?.type === 'dir' && after?.type === 'dir' && before.node === after.node;
}

async function readPair(directory: ByteString, [before, after]: EntryPair, access: TreeAccess): Promise<Pair> {
  access.signal.throwIfAborted();
  const name = before?.name ?? after?.name ?? directory;
  return {
    path: joinPath(directory, name),
    before: before && (await readItem(before, access)),
    after: after && (await readItem(after, access)),
  };
}

/** Two sorted lists of entries as pairs of one name. */
function* zip(left: readonly Entry[], right: readonly Entry[]): Generator<EntryPair, undefined> {
  let [at, to] = [0, 0];
  for (;;) {
    const [before, after] = [left[at], right[to]];
    if (before === undefined && after === undefined) return undefined;
    const takeLeft = before !== undefined && (after === undefined || before.name <= after.name);
    const takeRight = after !== undefined && (before === undefined || after.name <= before.name);
    if (takeLeft) at += 1;
    if (takeRight) to += 1;
    yield [takeLeft ? before : undefined, takeRight ? after : undefined];
  }
}
