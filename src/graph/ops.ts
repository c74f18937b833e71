import type { SourceSpec } from './source-ops.ts';
import type { DiskSpec, ErofsSpec, SquashfsSpec, VeritySpec, VfatSpec } from './disk-ops.ts';
import type { PostprocessSpec } from './postprocess-ops.ts';
import type { ProgramSpec } from './program-ops.ts';

/**
 * What the steps of a graph are told: plain data, one interface for each kind of op. `input` numbers are positions in the
 * vertex's `inputs`. Every string comes from a definition and is checked where it is used; every field is part of the key
 * unless its comment says otherwise.
 */

/** A command in the sandbox. */
export interface ExecSpec extends ProgramSpec {
  readonly type: 'exec';
  readonly cwd?: string;
  /** Whether `/out` becomes one tree, or the one file of this name in it becomes a blob. */
  readonly output?: { readonly file: string };
  /** Folders that outlive the step (not part of the key). */
  readonly caches?: readonly { readonly name: string; readonly to: string; readonly share: 'shared' | 'locked' }[];
}

/** What a new inode is given; what is not said is 0644/0755, owner 0:0 and the time 0. */
export interface NewAttributes {
  /** Octal, four digits. */
  readonly mode?: string;
  readonly uid?: number;
  readonly gid?: number;
  readonly mtime?: number;
}

/** One change of a tree; changes happen in order. */
export type TreeEdit =
  | ({
      readonly copy: number;
      readonly path?: string;
      readonly include?: readonly string[];
      readonly exclude?: readonly string[];
      readonly strip?: number;
      readonly to: string;
    } & NewAttributes)
  | ({ readonly write: string; readonly text?: string; readonly base64?: string } & NewAttributes)
  | ({ readonly mkdir: string } & NewAttributes)
  | ({ readonly symlink: string; readonly target: string } & NewAttributes)
  | { readonly hardlink: string; readonly target: string }
  | ({
      readonly device: string;
      readonly kind: 'char' | 'block' | 'fifo';
      readonly major?: number;
      readonly minor?: number;
    } & NewAttributes)
  | { readonly remove: string }
  | { readonly chmod: string; readonly mode: string; readonly recursive?: boolean }
  | { readonly chown: string; readonly uid: number; readonly gid: number; readonly recursive?: boolean }
  | { readonly xattr: string; readonly name: string; readonly text?: string; readonly base64?: string }
  | { readonly elfLibs: string; readonly from: number; readonly to?: string }
  | {
      /** The folder below which they are put, by the kernel's release: `/lib/modules`. */
      readonly kernelModules: string;
      readonly from: number;
      readonly names: readonly string[];
      /** Which kernel, when the input has several. */
      readonly release?: string;
      /** A file that is to say the release. */
      readonly releaseFile?: string;
    };

/** A tree from nothing, by edits. */
export interface TreeSpec {
  readonly type: 'tree';
  readonly edits: readonly TreeEdit[];
}

/** Trees over each other; the later wins. */
export interface MergeSpec {
  readonly type: 'merge';
}

/** The tree in an archive. */
export interface ExtractSpec {
  readonly type: 'extract';
  readonly strip?: number;
}

/** A tree as a deterministic tar. */
export interface ArchiveSpec {
  readonly type: 'archive';
  readonly format: 'tar';
}

/** A tree as a cpio ("newc"), as the kernel unpacks it at boot. */
export interface CpioSpec {
  readonly type: 'cpio';
  /** `none` unless given. */
  readonly compress?: 'none' | 'gzip' | 'zstd' | 'xz' | 'lz4';
  readonly level?: number;
  /** The time of every entry, in seconds; without it each keeps its own. */
  readonly mtime?: number;
}

/** A tree as an ext4 image. */
export interface Ext4Spec {
  readonly type: 'ext4';
  /** `csum` checksums all metadata, `journal` is for guests that write and may lose power; `plain` unless given. */
  readonly profile?: 'plain' | 'csum' | 'journal' | 'csum-journal';
  /** Of the root file system, at most 16 bytes. */
  readonly label?: string;
  /** Derived from the tree unless given. */
  readonly uuid?: string;
  /** The exact size in bytes; else what the tree needs and the headroom. */
  readonly size?: number;
  /** Free bytes, or free space in percent of what is used; a tenth and at least 1 MiB unless one is given. */
  readonly headroom?: number;
  readonly headroomPercent?: number;
  /** At least this many inodes in all, and at least this many free ones. */
  readonly inodes?: number;
  readonly inodeHeadroom?: number;
  /** The time of every entry, in seconds; without it each keeps its own. */
  readonly mtime?: number;
  /** Blocks of zeros become holes of the files and take no room; every content is read once more for it. */
  readonly sparse?: boolean;
}

/** A blob made smaller, always the same way. */
export interface CompressSpec {
  readonly type: 'compress';
  readonly format: 'gzip' | 'zstd' | 'xz' | 'lz4';
  readonly level?: number;
}

/** A blob made large again. */
export interface DecompressSpec {
  readonly type: 'decompress';
  readonly format?: 'gzip' | 'zstd' | 'xz' | 'lz4';
}

/** The kernel proper in a kernel file: the ELF vmlinux, or for arm64 the Image. */
export interface VmlinuxSpec {
  readonly type: 'vmlinux';
  /** Which file, when the input is a tree; its last name may be a pattern that one name matches. */
  readonly path?: string;
}

/** A machine that is tried: booted, looked into and ended. */
export interface BootSpec {
  readonly type: 'boot';
  /** The images, as positions among the inputs. */
  readonly kernel: number;
  readonly initrd?: number;
  /** An ext4 image, which is never written to. */
  readonly rootfs?: number;
  /** What the kernel is for, unless given. */
  readonly architecture?: 'x86_64' | 'aarch64';
  readonly memoryBytes?: number;
  /** More words for the kernel's command line. */
  readonly append?: string;
  /** Not part of the key. */
  readonly timeoutMs?: number;
  /** Files that the guest has to have: any, or with this SHA-256 (64 hex digits), or with this text. */
  readonly expect?: readonly { readonly path: string; readonly sha256?: string; readonly text?: string }[];
}

/** Every kind of op. */
export type OpSpec =
  | SourceSpec
  | ExecSpec
  | TreeSpec
  | MergeSpec
  | ExtractSpec
  | ArchiveSpec
  | CpioSpec
  | Ext4Spec
  | DiskSpec
  | VeritySpec
  | SquashfsSpec
  | ErofsSpec
  | VfatSpec
  | CompressSpec
  | DecompressSpec
  | VmlinuxSpec
  | PostprocessSpec
  | BootSpec;
