import { readFileSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { digestFromHex, digestOf, parseDigest } from '../../src/base/digest.ts';
import type { Digest } from '../../src/base/digest.ts';
import { PortkitError } from '../../src/base/errors.ts';
import { openStore } from '../../src/store/open.ts';
import type { OpenOptions } from '../../src/store/open.ts';
import type { Store } from '../../src/store/store.ts';

/** What a look at a store after a fault found, against what had been acknowledged. */
export interface Verdict {
  readonly acknowledged: number;
  /** Acknowledged, and not there. */
  readonly lost: number;
  /** Acknowledged, there, and refused as damaged; or anything under a final name that is not what the name says. */
  readonly corrupt: number;
  /** Other broken promises: an error without a code, a failure that was not told, a process that hangs. */
  readonly broken: readonly string[];
}

/** The verdict on a store that was never opened, or on nothing. */
export const nothing: Verdict = { acknowledged: 0, lost: 0, corrupt: 0, broken: [] };

/** Opens the store of a root as the harness does; the clock may be years off. */
export function openForTest(root: string, years = 0, options: OpenOptions = {}): Store {
  return openStore(root, { now: () => Date.now() + years * 365 * 86_400_000 }, options);
}

/**
 * Reads everything that was acknowledged back and verifies the whole store; then does it again with the index made anew,
 * which is a cache. `damaged`: the store was damaged on purpose, so only what was acknowledged must be right.
 */
export async function judge(root: string, lines: readonly string[], damaged = false): Promise<Verdict> {
  const told = lines.filter((line) => line.startsWith('untyped ') || line.startsWith('wrong: '));
  try {
    const first = await look(root, lines, damaged);
    for (const suffix of ['', '-wal', '-shm']) rmSync(join(root, `v1/index.db${suffix}`), { force: true });
    const second = await look(root, lines, damaged);
    const [lost, corrupt] = [Math.max(first.lost, second.lost), Math.max(first.corrupt, second.corrupt)];
    return { acknowledged: first.acknowledged, lost, corrupt, broken: told };
  } catch (error) {
    return { ...nothing, broken: [...told, `wrong: the store cannot be read: ${sayError(error)}`] };
  }
}

async function look(root: string, lines: readonly string[], damaged: boolean): Promise<Omit<Verdict, 'broken'>> {
  await using store = openForTest(root);
  const kinds: Readonly<Record<string, (rest: string) => 'right' | 'lost' | 'corrupt'>> = {
    blob: (name) => readBlob(store, parseDigest(name)),
    tree: (name) => readBlob(store, parseDigest(name)),
    action: (name) => (store.actions.lookup(parseDigest(name)) === undefined ? 'lost' : 'right'),
    tag: (rest) => readTag(store, rest, lines),
    untag: (name) => (store.tags.get(name) === undefined ? 'right' : 'lost'),
  };
  let [acknowledged, lost, corrupt] = [0, 0, 0];
  for (const line of new Set(lines)) {
    const at = line.indexOf(' ');
    const found = kinds[line.slice(0, at)]?.(line.slice(at + 1));
    if (found !== undefined) acknowledged += 1;
    if (found === 'lost') lost += 1;
    if (found === 'corrupt') corrupt += 1;
  }
  if (!damaged) corrupt += (await findings(store)) + wrongOrphans(store);
  return { acknowledged, lost, corrupt };
}

async function findings(store: Store): Promise<number> {
  const { findings: all } = await store.verify({}, new AbortController().signal);
  return all.filter((finding) => finding.problem === 'corrupt' || finding.object === 'tag').length;
}

/** A file under a final name that no row knows holds nothing acknowledged, but its bytes must be what its name says. */
function wrongOrphans(store: Store): number {
  const folder = join(store.directory, 'blobs/sha256');
  return readdirSync(folder).filter((name) => digestOf(readFileSync(join(folder, name))) !== digestFromHex(name)).length;
}

function readTag(store: Store, rest: string, lines: readonly string[]): 'right' | 'lost' {
  const [name = '', digest] = rest.split(' ');
  const found = store.tags.get(name);
  // A deletion that was under way may have happened or not; one that was acknowledged is looked at by itself.
  if (found === undefined && (lines.includes(`untag ${name}`) || name === 'new')) return 'right';
  return found?.digest === digest ? 'right' : 'lost';
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
      broken: [...sum.broken, ...one.broken],
    }),
    nothing,
  );
}

/** Adds broken promises to a verdict. */
export function alsoBroken(verdict: Verdict, promises: Readonly<Record<string, boolean>>): Verdict {
  const broken = Object.keys(promises).filter((promise) => promises[promise] === false);
  return { ...verdict, broken: [...verdict.broken, ...broken.map((promise) => `wrong: not so: ${promise}`)] };
}

/** An error with its code and cause, in one line. */
export function sayError(error: unknown): string {
  const code = error instanceof PortkitError ? `${error.code} ` : '';
  const cause = error instanceof Error && error.cause instanceof Error ? ` (${error.cause.message})` : '';
  return `${code}${String(error)}${cause}`.replaceAll('\n', ' ');
}
