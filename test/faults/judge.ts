import { parseDigest } from '../../src/base/digest.ts';
import type { Digest } from '../../src/base/digest.ts';
import { openStore } from '../../src/store/open.ts';
import type { Store } from '../../src/store/store.ts';

/** What a look at a store after a fault found, against what had been acknowledged. */
export interface Verdict {
  readonly acknowledged: number;
  /** Acknowledged, and not there. */
  readonly lost: number;
  /** Acknowledged, there, and refused as damaged; or anything that verification calls corrupt. */
  readonly corrupt: number;
}

/** Opens the store of a root as the harness does. */
export function openForTest(root: string): Store {
  return openStore(root, { now: Date.now, monotonic: () => 0, bootId: '' });
}

/** Reads everything that was acknowledged back, and verifies the whole store. */
export async function judge(root: string, lines: readonly string[]): Promise<Verdict> {
  const store = openForTest(root);
  let lost = 0;
  let corrupt = 0;
  const acknowledged = lines.filter((line) => line.startsWith('blob ') || line.startsWith('action '));
  for (const line of acknowledged) {
    const [kind, name = ''] = line.split(' ');
    const found =
      kind === 'blob'
        ? readBlob(store, parseDigest(name))
        : store.actions.lookup(parseDigest(name)) === undefined
          ? 'lost'
          : 'right';
    if (found === 'lost') lost += 1;
    if (found === 'corrupt') corrupt += 1;
  }
  const { findings } = await store.verify({}, new AbortController().signal);
  corrupt += findings.filter((finding) => finding.problem === 'corrupt').length;
  await store[Symbol.asyncDispose]();
  return { acknowledged: acknowledged.length, lost, corrupt };
}

function readBlob(store: Store, digest: Digest): 'right' | 'lost' | 'corrupt' {
  try {
    return store.blobs.get(digest) === undefined ? 'lost' : 'right';
  } catch {
    return 'corrupt';
  }
}

/** Adds verdicts up. */
export function total(verdicts: readonly Verdict[]): Verdict {
  return verdicts.reduce(
    (sum, one) => ({
      acknowledged: sum.acknowledged + one.acknowledged,
      lost: sum.lost + one.lost,
      corrupt: sum.corrupt + one.corrupt,
    }),
    { acknowledged: 0, lost: 0, corrupt: 0 },
  );
}
