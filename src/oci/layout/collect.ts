import { PortkitError } from '../../base/errors.ts';
import type { Descriptor } from '../model/descriptor.ts';
import type { OciDigest } from '../model/digest.ts';
import { reproduceIndex } from '../model/reproduce.ts';
import { bytesSource } from '../model/read.ts';
import { entryName } from './entries.ts';
import type { Entries } from './entries.ts';
import type { LayoutSource } from './files.ts';
import { folderFiles, folderSource } from './folder.ts';
import { heldBlobs, removeBlob } from './held.ts';
import type { FolderBlob, HeldBlob } from './held.ts';
import { leadsTo, reached } from './reach.ts';
import { readIndex } from './source.ts';
import type { Step } from './reach.ts';

/** What is collected. */
export interface CollectOptions {
  /** Also what is listed without a name, unless it refers to something that stays. */
  readonly untagged: boolean;
  /** What was written or needed within this time (milliseconds) stays: somebody may be about to list it. */
  readonly keep: number;
  /** Milliseconds since 1970. */
  readonly now: number;
  /** Only say what would go. */
  readonly dryRun: boolean;
}

/** What was collected. */
export interface Collected {
  readonly removed: readonly HeldBlob[];
  /** What nothing leads to either, and is too young. */
  readonly young: readonly HeldBlob[];
  /** What is no longer listed. */
  readonly unlisted: Entries;
}

/**
 * Removes from a layout folder the blobs that no entry of its index leads to. Nobody changes the index meanwhile. A manifest
 * that is listed and cannot be read (PK4001 to PK4003) ends it before anything is removed: what it led to is not known.
 */
export async function collectLayout(directory: string, options: CollectOptions, signal: AbortSignal): Promise<Collected> {
  const files = folderFiles(directory);
  const source = folderSource(directory);
  // Before the lock, which would make a folder where none is.
  await source.roots(signal);
  const work = async (): Promise<Collected> => {
    const { entries, ...found } = await look(source, { directory, options, signal });
    if (options.dryRun) return found;
    if (found.unlisted.length > 0) {
      const gone = new Set(found.unlisted);
      const index = await readIndex(files, { isNew: false }, signal);
      const { bytes } = reproduceIndex(
        index,
        entries.filter((entry) => !gone.has(entry)),
      );
      // First: a run that is killed after it leaves too much, and nothing that is listed and not there.
      await files.put('index.json', bytesSource(bytes).open(signal), signal);
    }
    const removed: HeldBlob[] = [];
    for (const blob of found.removed) {
      signal.throwIfAborted();
      if (await removeBlob(directory, blob.digest, (now) => isOld(now, options))) removed.push(blob);
    }
    return { ...found, removed };
  };
  return await (options.dryRun ? work() : files.alone(work, signal));
}

interface Looking {
  readonly directory: string;
  readonly options: CollectOptions;
  readonly signal: AbortSignal;
}

async function look(source: LayoutSource, { directory, options, signal }: Looking) {
  const entries = await source.roots(signal);
  const held = await heldBlobs(directory);
  const old = new Set(held.filter((blob) => isOld(blob, options)).map(({ digest }) => digest));
  const isLost = (entry: Descriptor): boolean => options.untagged && entryName(entry) === undefined && old.has(entry.digest);
  const marked = new Set<OciDigest>();
  let unlisted = entries.filter(isLost);
  let kept = entries.filter((entry) => !isLost(entry));
  // What refers to something that stays may be referred to itself.
  while (kept.length > 0) {
    await mark(source, kept, { marked, signal });
    kept = [];
    for (const entry of unlisted) if (await isNeeded(source, entry, { marked, signal })) kept.push(entry);
    unlisted = unlisted.filter((entry) => !kept.includes(entry));
  }
  const loose = held.filter(({ digest }) => !marked.has(digest)).map(({ digest, size }) => ({ digest, size }));
  return {
    entries,
    unlisted,
    removed: loose.filter(({ digest }) => old.has(digest)),
    young: loose.filter(({ digest }) => !old.has(digest)),
  };
}

function isOld({ usedAt }: FolderBlob, { keep, now }: CollectOptions): boolean {
  return keep === 0 || now - usedAt > keep;
}

interface Marks {
  readonly marked: Set<OciDigest>;
  readonly signal: AbortSignal;
}

async function mark(source: LayoutSource, entries: Entries, { marked, signal }: Marks): Promise<void> {
  const from = entries.map((descriptor) => ({ descriptor, role: 'entry' as const }));
  for await (const { descriptor } of reached(from, (step) => nextOf(source, step, signal), signal)) marked.add(descriptor.digest);
}

/** An index may name manifests that are elsewhere (image-spec, image-layout.md); what is listed itself is to be here. */
async function nextOf(source: LayoutSource, step: Step, signal: AbortSignal): Promise<readonly Step[]> {
  try {
    return await leadsTo(source, step, signal);
  } catch (error) {
    if (!(error instanceof PortkitError) || !/^PK400[1-6]$/.test(error.code)) throw error;
    if (error.code === 'PK4001' && step.role !== 'entry') return [];
    throw new PortkitError(error.code, `Nothing was collected, as it is not known what is still needed: ${error.message}`, {
      hint: '"portkit layout verify" says all that is wrong. Copy anew what is missing or damaged, or delete its entry',
      cause: error,
    });
  }
}

/** Whether an entry is led to, or refers to what is (or mentions it, when it is of a type that is not known). */
async function isNeeded(source: LayoutSource, entry: Descriptor, { marked, signal }: Marks): Promise<boolean> {
  if (marked.has(entry.digest)) return true;
  const steps = await nextOf(source, { descriptor: entry, role: 'entry' }, signal);
  return steps.some(({ role, descriptor }) => role === 'mention' && marked.has(descriptor.digest));
}
