import { PortkitError } from '../../base/errors.ts';
import type { FileEntry } from '../file-tree.ts';
import { blockSize, geometryOf, usableBlocksFrom, usableBlocksUpTo } from './geometry.ts';
import type { Geometry } from './geometry.ts';
import { identityOf } from './identity.ts';
import type { Identity } from './identity.ts';
import { sectorsOf } from './inodes.ts';
import { demandedBlocks, demandOf, earliestEnd, layOut } from './layout.ts';
import type { Demand, Layout } from './layout.ts';
import { readNodes } from './nodes.ts';
import type { Node } from './nodes.ts';
import { checkOptions } from './options.ts';
import type { Ext4Options, Headroom } from './options.ts';
import { cannotHold } from './refuse.ts';

/** All that is known of an image before any content is read: nothing of it depends on the content. */
export interface Ext4Plan {
  /** Bytes of the image. */
  readonly size: number;
  readonly csum: boolean;
  readonly journal: boolean;
  readonly label: string;
  readonly identity: Identity;
  readonly nodes: readonly Node[];
  readonly layout: Layout;
}

/** Plans every block of an image. Throws for what ext4 cannot hold (PK3501), wrong options (PK3502) and a lack of space (PK3503). */
export function planExt4(entries: readonly FileEntry[], options: Ext4Options = {}): Ext4Plan {
  checkOptions(options);
  const { profile = 'plain', journal = false, label = '', dataRanges } = options;
  const csum = profile === 'csum';
  const nodes = readNodes(entries);
  const demands = nodes.map((node) => {
    const { entry } = node;
    return demandOf(node, csum, entry.type === 'file' ? dataRanges?.(entry.content) : undefined);
  });
  const needs: Needs = { demands, csum, journal, options, usedInodes: nodes.length + 9 };
  const layout =
    options.size === undefined ? fittingLayout(needs, options.headroom ?? usualHeadroom) : exactLayout(needs, options.size);
  checkBlockCounts(nodes, layout);
  const size = options.size ?? layout.geometry.blocks * blockSize;
  return { size, csum, journal, label, identity: identityOf(entries, options), nodes, layout };
}

/** Without huge_file an inode counts its blocks in units of 512 bytes and 32 bits: 2 TiB with its extent tree. */
function checkBlockCounts(nodes: readonly Node[], { placements }: Layout): void {
  for (let at = 0; at < nodes.length; at += 1) {
    const placement = placements[at]!;
    if (placement.treeBlocks.length === 0 || sectorsOf(placement) < 2 ** 32) continue;
    throw cannotHold(nodes[at]!.entry.path, 'its blocks take more than 2 TiB');
  }
}

interface Needs {
  readonly demands: readonly Demand[];
  readonly csum: boolean;
  readonly journal: boolean;
  readonly options: Ext4Options;
  readonly usedInodes: number;
}

const usualHeadroom = 'usual';

/** Block numbers have 32 bits. */
const mostBlocks = 2 ** 32 - 1;

/**
 * Looks for the fewest blocks that hold all and leave the headroom: more blocks need more descriptors, bitmaps and inodes.
 * A quick guess that is never too high comes first, as placing everything takes time.
 */
function fittingLayout(needs: Needs, headroom: Headroom | typeof usualHeadroom): Layout {
  const { demands } = needs;
  const demanded = demandedBlocks(demands);
  const wanted = (end: number): number => end + headroomBlocks(headroom, end);
  const guess = leastBlocks(demanded, (blocks) => {
    const geometry = geometryFor(needs, blocks);
    return 'short' in geometry ? geometry.short : wanted(earliestEnd(geometry, demanded));
  });
  let found: Layout | undefined;
  leastBlocks(guess, (blocks) => {
    const geometry = geometryFor(needs, blocks);
    if ('short' in geometry) return geometry.short;
    found = layOut(geometry, demands);
    return wanted(found.end);
  });
  if (found === undefined) throw new Error('no layout was tried');
  return found;
}

/** The first usable number of blocks, from `start` on, that is no less than what `need` says of it. */
function leastBlocks(start: number, need: (blocks: number) => number): number {
  let blocks = usableBlocksFrom(start);
  for (;;) {
    if (blocks > mostBlocks) throw new PortkitError('PK3501', 'The tree is larger than an ext4 image of 16 TiB');
    const needed = need(blocks);
    if (needed <= blocks) return blocks;
    blocks = usableBlocksFrom(needed);
  }
}

function headroomBlocks(headroom: Headroom | typeof usualHeadroom, used: number): number {
  if (headroom === usualHeadroom) return Math.max(256, Math.ceil(used / 10));
  return Math.ceil('bytes' in headroom ? headroom.bytes / blockSize : (used * headroom.percent) / 100);
}

function exactLayout(needs: Needs, size: number): Layout {
  const blocks = usableBlocksUpTo(size / blockSize);
  if (blocks > mostBlocks) throw new PortkitError('PK3502', `An ext4 image of ${size} bytes is larger than 16 TiB`);
  const geometry = blocks < 64 ? undefined : geometryFor(needs, blocks);
  const layout = geometry === undefined || 'short' in geometry ? undefined : layOut(geometry, needs.demands);
  if (layout !== undefined && layout.end <= blocks) return layout;
  const least = fittingLayout(needs, { bytes: 0 }).geometry.blocks * blockSize;
  throw new PortkitError('PK3503', `The tree needs an ext4 image of at least ${least} bytes; ${size} were asked for`, {
    hint: `Give a size of ${least} or more, or none.`,
  });
}

function geometryFor({ csum, journal, options, usedInodes }: Needs, blocks: number): Geometry | { readonly short: number } {
  return geometryOf(blocks, { csum, journal, inodes: wantedInodes(options, usedInodes, blocks) });
}

/** A given number, else enough for one file of 16 KiB after the other, and always some to spare. */
function wantedInodes({ inodes, inodeHeadroom = 0 }: Ext4Options, used: number, blocks: number): number {
  const least = used + inodeHeadroom;
  if (inodes === undefined) return Math.max(least, Math.ceil(used * 1.25), Math.ceil(blocks / 4));
  if (inodes >= least) return inodes;
  throw new PortkitError('PK3503', `The tree needs ${least} inodes; ${inodes} were asked for`, {
    hint: `Give ${least} inodes or more, or none.`,
  });
}
