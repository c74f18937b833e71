import { malformed } from '../archive-errors.ts';

/** The numbers of a header, in their order; each is eight hexadecimal digits. */
export interface CpioHeader {
  readonly ino: number;
  /** The type of the inode and its 12 permission bits. */
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly nlink: number;
  readonly mtime: number;
  readonly size: number;
  /** Together with `ino`, what tells files apart. */
  readonly devMajor: number;
  readonly devMinor: number;
  /** What a device node stands for. */
  readonly major: number;
  readonly minor: number;
  /** The bytes of the name, the NUL behind it counted. */
  readonly nameSize: number;
  /** The sum of the content's bytes, in archives that have one. */
  readonly check: number;
}

/** The bytes of every header, before the name. */
export const headerSize = 110;
/** The name that ends an archive. */
export const trailerName = 'TRAILER!!!';
/** The largest number of a field. */
export const largest = 0xffffffff;
/** The longest name and the longest target of a symlink that Linux unpacks, without the NUL behind it. */
export const longestName = 4095;

/** The types of inodes, as the upper bits of a mode. */
export const typeBits = {
  fifo: 0o010000,
  char: 0o020000,
  dir: 0o040000,
  block: 0o060000,
  file: 0o100000,
  symlink: 0o120000,
  socket: 0o140000,
} as const;

/** How many zeros fill up to the next multiple of four, where headers and contents begin. */
export function fillTo4(size: number): number {
  return -size & 3;
}

/** The 110 bytes of a header without checksum ("newc"). */
export function encodeHeader(header: CpioHeader): string {
  const { ino, mode, uid, gid, nlink, mtime, size, devMajor, devMinor, major, minor, nameSize, check } = header;
  const inode = hex(ino) + hex(mode) + hex(uid) + hex(gid) + hex(nlink) + hex(mtime) + hex(size);
  const text = `070701${inode}${hex(devMajor)}${hex(devMinor)}${hex(major)}${hex(minor)}${hex(nameSize)}${hex(check)}`;
  return text.toUpperCase();
}

/** Most numbers are 0. */
function hex(value: number): string {
  return value === 0 ? '00000000' : value.toString(16).padStart(8, '0');
}

/** Reads a header; `summed` says whether `check` counts. */
export function decodeHeader(bytes: Buffer, where: string): CpioHeader & { readonly summed: boolean } {
  const text = bytes.toString('latin1');
  const magic = text.slice(0, 6);
  if (magic !== '070701' && magic !== '070702') throw malformed(where, 'a header does not begin as one of cpio ("newc") does');
  if (!/^[0-9a-fA-F]{104}$/.test(text.slice(6))) throw malformed(where, 'a number in a header is malformed or cut off');
  const at = (index: number): number => Number.parseInt(text.slice(6 + 8 * index, 14 + 8 * index), 16);
  return {
    summed: magic === '070702',
    ino: at(0),
    mode: at(1),
    uid: at(2),
    gid: at(3),
    nlink: at(4),
    mtime: at(5),
    size: at(6),
    devMajor: at(7),
    devMinor: at(8),
    major: at(9),
    minor: at(10),
    nameSize: at(11),
    check: at(12),
  };
}
