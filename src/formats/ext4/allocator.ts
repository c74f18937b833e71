import { hasBackup } from './disk/group.ts';
import { longestExtent } from './disk/extent.ts';
import { groupBlocks } from './geometry.ts';
import type { Geometry } from './geometry.ts';

/** Blocks of the image that follow each other. */
export interface Run {
  readonly start: number;
  readonly count: number;
}

/** Blocks of a file that follow each other in the image too. */
export interface Extent extends Run {
  /** The first one's number in the file. */
  readonly logical: number;
}

/** Gives out blocks in ascending order, around the copies of superblock and descriptors. */
export interface Allocator {
  /** The first of this many blocks in a row. */
  contiguous(count: number): number;
  /** This many blocks in as few extents as possible, numbered from `logical` on. */
  extents(count: number, logical: number): Extent[];
  /** The block after all that was given out. */
  readonly end: number;
  /** What was passed over to keep blocks together. */
  readonly gaps: readonly Run[];
}

/** Starts behind the descriptors of group 0. It does not end with the image: whether all fits is seen afterwards. */
export function allocator({ descriptorBlocks }: Geometry): Allocator {
  const gaps: Run[] = [];
  let cursor = 1 + descriptorBlocks;
  let group = 1;
  /** Where the next copy stands. */
  let copy = groupBlocks;

  function passCopy(): void {
    cursor = copy + 1 + descriptorBlocks;
    do group += 1;
    while (!hasBackup(group));
    copy = group * groupBlocks;
  }

  return {
    contiguous(count) {
      while (cursor + count > copy) {
        if (cursor < copy) gaps.push({ start: cursor, count: copy - cursor });
        passCopy();
      }
      cursor += count;
      return cursor - count;
    },
    extents(count, logical) {
      if (cursor + count <= copy && count <= longestExtent && count > 0) {
        cursor += count;
        return [{ logical, start: cursor - count, count }];
      }
      const made: Extent[] = [];
      for (let done = 0; done < count;) {
        if (cursor === copy) passCopy();
        const length = Math.min(count - done, copy - cursor, longestExtent);
        made.push({ logical: logical + done, start: cursor, count: length });
        cursor += length;
        done += length;
      }
      return made;
    },
    get end() {
      return cursor;
    },
    gaps,
  };
}

/** The copies of superblock and descriptors in groups after the first. */
export function backups({ groups, descriptorBlocks }: Geometry): readonly Run[] {
  const found: Run[] = [];
  for (let group = 1; group < groups; group += 1) {
    if (hasBackup(group)) found.push({ start: group * groupBlocks, count: 1 + descriptorBlocks });
  }
  return found;
}
