import { showBytes } from '../base/byte-string.ts';
import { parseDigest } from '../base/digest.ts';
import type { Ref } from '../base/ref.ts';
import type { Reason } from '../progress/event.ts';
import type { Store } from '../store/store.ts';
import { diffTrees } from '../store/trees/diff.ts';

/** Paths that are named; of more it is only said that they are there. */
const named = 5;

/** The first paths in which two results differ: `+` came, `-` went, `~` changed. A blob differs as a whole and has none. */
export async function changedPaths(
  before: Ref,
  after: Ref,
  { store, signal, most = named }: { readonly store: Pick<Store, 'blobs'>; readonly signal: AbortSignal; readonly most?: number },
): Promise<readonly string[]> {
  if (before.kind !== 'tree' || after.kind !== 'tree') return [];
  const paths: string[] = [];
  for await (const change of diffTrees(before.digest, after.digest, { blobs: store.blobs, signal })) {
    if (paths.length === most) return [...paths, '…'];
    const mark = change.kind === 'added' ? '+' : change.kind === 'removed' ? '-' : '~';
    const what = change.kind === 'changed' ? ` (${change.what.join(', ')})` : '';
    paths.push(`${mark} ${showBytes(change.path) || '.'}${what}`);
  }
  return paths;
}

/** Reasons with the first changed paths of tree inputs that are both still here. */
export async function describeReasons(
  reasons: readonly Reason[],
  { store, signal }: { readonly store: Pick<Store, 'blobs'>; readonly signal: AbortSignal },
): Promise<readonly Reason[]> {
  return Promise.all(
    reasons.map(async (reason) => {
      const { before, after, of } = reason;
      if (of !== 'tree' || before === undefined || after === undefined) return reason;
      const [old, now] = [before, after].map((digest): Ref => ({ kind: 'tree', digest: parseDigest(digest) }));
      if (old === undefined || now === undefined) return reason;
      const paths = await changedPaths(old, now, { store, signal }).catch(() => []);
      return paths.length === 0 ? reason : { ...reason, paths };
    }),
  );
}
