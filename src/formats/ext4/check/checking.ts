import type { FileSystem } from '../read/file-system.ts';
import type { InodeTable } from '../read/inode.ts';
import type { Report } from '../read/report.ts';
import type { InodeFacts } from './inode-facts.ts';
import type { BlockUsage } from './usage.ts';

/** What the passes of one check share. */
export interface Checking {
  readonly fs: FileSystem;
  readonly table: InodeTable;
  readonly report: Report;
  readonly signal: AbortSignal;
  readonly usage: BlockUsage;
  readonly facts: InodeFacts;
  /** The groups whose inodes are nobody else's: no place in the image is taken for inodes twice. */
  readonly tables: Set<number>;
  /** The directories that the first pass found, in order. */
  readonly directories: number[];
  /** The blocks of directories that were read. */
  readonly directoryBlocks: Set<number>;
  /** How often each block of extended attributes is named, and how often it says so. */
  readonly xattrBlocks: Map<number, { names: number; readonly said: number }>;
}

/** Marks blocks as used by something; that it alone uses them is a rule. Says whether it is kept. */
export function claimBlocks(
  { usage, report }: Checking,
  place: Parameters<Report>[0],
  { block, count }: { readonly block: number; readonly count: number },
): boolean {
  const twice = usage.claim(block, count);
  if (twice !== undefined) report(place, `it uses block ${String(twice)}, which something else uses too`);
  return twice === undefined;
}
