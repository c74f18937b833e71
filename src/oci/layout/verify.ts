import { PortkitError } from '../../base/errors.ts';
import type { OciDigest } from '../model/digest.ts';
import { isDistributable } from '../model/media-types.ts';
import { entryName } from './entries.ts';
import type { LayoutSource } from './files.ts';
import type { HeldBlob } from './held.ts';
import { leadsTo, reached } from './reach.ts';
import type { Step } from './reach.ts';

/** A layout and what it has. */
export interface Held {
  readonly source: LayoutSource;
  readonly blobs: readonly HeldBlob[];
}

/** Something that is wrong. */
interface Fault {
  readonly problem: 'missing' | 'damaged' | 'malformed' | 'ambiguous';
  readonly digest: OciDigest;
  readonly detail: string;
}

/** What was looked at, and what is wrong. */
export interface Checked {
  readonly entries: number;
  readonly blobs: number;
  readonly bytes: number;
  /** What no entry leads to: it is in the way of nobody. */
  readonly unreferenced: readonly HeldBlob[];
  readonly faults: readonly Fault[];
}

/** Reads all of a layout: that every blob is what it is called, and that all is there that its index leads to. */
export async function verifyLayout({ source, blobs }: Held, signal: AbortSignal): Promise<Checked> {
  const entries = await source.roots(signal);
  const held = new Map(blobs.map((blob) => [blob.digest, blob]));
  const faults = new Map<string, Fault>();
  const tell = (fault: Fault): void => {
    const key = `${fault.digest} ${fault.problem}`;
    if (!faults.has(key)) faults.set(key, fault);
  };
  const named = new Map<string, OciDigest>();
  for (const entry of entries) {
    const name = entryName(entry);
    if (name === undefined) continue;
    if ((named.get(name) ?? entry.digest) !== entry.digest)
      tell({ problem: 'ambiguous', digest: entry.digest, detail: `another entry has the name ${JSON.stringify(name)}, too` });
    named.set(name, entry.digest);
  }
  const marked = new Set<OciDigest>();
  const from = entries.map((descriptor) => ({ descriptor, role: 'entry' as const }));
  const next = (step: Step): Promise<readonly Step[]> => lookAt(step, { source, held, tell, signal });
  for await (const { descriptor } of reached(from, next, signal)) marked.add(descriptor.digest);
  for (const { digest, size } of blobs) {
    const fault = await faultOf(() => readThrough(source, { digest, size }, signal));
    // Gone since it was listed, it is only missed by what leads to it.
    if (fault !== undefined && (fault.problem !== 'missing' || marked.has(digest))) tell({ ...fault, digest });
  }
  return {
    entries: entries.length,
    blobs: blobs.length,
    bytes: blobs.reduce((sum, { size }) => sum + size, 0),
    unreferenced: blobs.filter(({ digest }) => !marked.has(digest)).map(({ digest, size }) => ({ digest, size })),
    faults: [...faults.values()].toSorted((a, b) => (a.digest < b.digest ? -1 : 1)),
  };
}

interface Looking {
  readonly source: LayoutSource;
  readonly held: ReadonlyMap<OciDigest, HeldBlob>;
  readonly tell: (fault: Fault) => void;
  readonly signal: AbortSignal;
}

async function lookAt(step: Step, { source, held, tell, signal }: Looking): Promise<readonly Step[]> {
  const { digest, size, mediaType } = step.descriptor;
  const there = held.get(digest);
  if (step.role !== 'mention' && there?.size !== size) {
    const mayMiss = there === undefined && !isDistributable(mediaType);
    // What stands in its place may be no file.
    const odd = await faultOf(() => source.sizing?.sizeOf(digest, signal));
    const problem = there === undefined ? 'missing' : 'damaged';
    const detail = there === undefined ? 'it is named and not there' : `it has ${there.size} bytes, and is said to have ${size}`;
    if (odd !== undefined) tell({ ...odd, digest });
    else if (!mayMiss) tell({ problem, digest, detail });
    return [];
  }
  let steps: readonly Step[] = [];
  const fault = await faultOf(async () => {
    steps = await leadsTo(source, step, signal);
  });
  if (fault !== undefined) tell({ ...fault, digest });
  return steps;
}

async function readThrough(source: LayoutSource, blob: HeldBlob, signal: AbortSignal): Promise<void> {
  for await (const _ of await source.fetch({ mediaType: 'application/octet-stream', ...blob }, signal));
}

const problems: Readonly<Record<string, Fault['problem']>> = {
  PK4001: 'missing',
  PK4002: 'malformed',
  PK4003: 'damaged',
  PK4006: 'malformed',
};

/** What is wrong with content; undefined when nothing is. */
async function faultOf(work: () => unknown): Promise<Omit<Fault, 'digest'> | undefined> {
  try {
    await work();
    return undefined;
  } catch (error) {
    const problem = error instanceof PortkitError ? problems[error.code] : undefined;
    if (problem === undefined) throw error;
    return { problem, detail: error instanceof Error ? error.message : '' };
  }
}
