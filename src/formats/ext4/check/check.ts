import type { ImageReader } from '../../file-tree.ts';
import type { FileSystem } from '../read/file-system.ts';
import { openFileSystem } from '../read/file-system.ts';
import { inodeTable } from '../read/inode.ts';
import type { Report } from '../read/report.ts';
import { checkBitmaps } from './bitmaps.ts';
import type { Checking } from './checking.ts';
import { checkXattrCounts } from './content.ts';
import { checkDirectories } from './directories.ts';
import type { Finding } from './findings.ts';
import { collectFindings } from './findings.ts';
import { inodeFacts } from './inode-facts.ts';
import { checkInodes } from './inodes.ts';
import { checkJournalFields } from './journal.ts';
import { checkLayout } from './layout.ts';
import { checkConnections, checkLinks } from './links.ts';
import { checkBackups, checkSuperblock } from './superblock.ts';
import { blockUsage } from './usage.ts';

/** When to give up, and after how many findings it is enough. */
export interface CheckOptions {
  readonly signal: AbortSignal;
  readonly mostFindings?: number;
}

/**
 * Everything that is wrong with an ext4 image, by the rules of e2fsck's passes for what portkit and mke2fs write; none when
 * it is sound. Findings that follow from others are given too. What cannot be read at all is PK3552.
 */
export function checkExt4(image: ImageReader, { signal, mostFindings = 1000 }: CheckOptions): readonly Finding[] {
  return collectFindings(mostFindings, (report) => {
    const fs = openFileSystem(image, report);
    if (fs !== undefined) runPasses(fs, report, signal);
  });
}

function runPasses(fs: FileSystem, report: Report, signal: AbortSignal): void {
  const checking: Checking = {
    fs,
    table: inodeTable(fs),
    report,
    signal,
    usage: blockUsage(fs),
    facts: inodeFacts(fs),
    tables: new Set(),
    directories: [],
    directoryBlocks: new Set(),
    xattrBlocks: new Map(),
  };
  checkSuperblock(checking);
  checkLayout(checking);
  checkBackups(checking);
  checkJournalFields(checking);
  checkInodes(checking);
  checkXattrCounts(checking);
  const directories = checkDirectories(checking);
  checkConnections(checking, directories);
  checkLinks(checking);
  checkBitmaps(checking);
}
