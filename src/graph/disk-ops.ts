/** What the steps that make disks and their file systems are told; the rules are those of `ops.ts`. */

/** An image as a partition of a disk. */
export interface DiskPartition {
  /** The input, by its position. */
  readonly from: number;
  /** `linux`, `esp`, `root-x86-64` … or a GUID. */
  readonly type: string;
  readonly name?: string;
  /** Derived from what is inside unless given. */
  readonly uuid?: string;
  /** `read-only`, `no-auto`, `required` … */
  readonly attributes?: readonly string[];
  /** Bytes, a multiple of 4096; the whole MiB that its image needs unless given. */
  readonly size?: number;
}

/** Images as the partitions of one raw disk with a GPT. */
export interface DiskSpec {
  readonly type: 'disk';
  readonly partitions: readonly DiskPartition[];
  readonly uuid?: string;
  readonly size?: number;
}

/** The dm-verity hash tree of an image. */
export interface VeritySpec {
  readonly type: 'verity';
  /** `tree` unless given: the hash image. `image`: the image followed by it. `root-hash`: a line of hex digits. */
  readonly output?: 'tree' | 'image' | 'root-hash';
  /** Hex digits; derived from the image unless given. */
  readonly salt?: string;
  readonly uuid?: string;
}

/** A tree as a squashfs image, by mksquashfs. */
export interface SquashfsSpec {
  readonly type: 'squashfs';
  /** `gzip` unless given. */
  readonly compress?: 'gzip' | 'zstd' | 'xz' | 'lz4';
  /** The time of everything, in seconds. */
  readonly mtime?: number;
}

/** A tree as an erofs image, by mkfs.erofs. */
export interface ErofsSpec {
  readonly type: 'erofs';
  /** `none` unless given. */
  readonly compress?: 'none' | 'lz4' | 'lz4hc';
  readonly uuid?: string;
  /** The time of everything, in seconds. */
  readonly mtime?: number;
}

/** A tree as a vfat image, by mtools: what an EFI system partition is. */
export interface VfatSpec {
  readonly type: 'vfat';
  readonly label?: string;
  /** The exact size in bytes; as small as it can be unless given. */
  readonly size?: number;
  /** The serial number, eight hex digits; derived from the tree unless given. */
  readonly serial?: string;
  /** The time of everything, in seconds; 1980 unless given. */
  readonly mtime?: number;
}
