import type { InodeEntry, Node } from './nodes.ts';
import { directoryEntry, directoryTail, entryLength, entryTypes } from './disk/directory.ts';
import { blockSize } from './geometry.ts';

/** `.` and `..` */
const dotLength = 12;

/** How many blocks the entries of a directory take. */
export function directoryBlocks({ children }: Node, csum: boolean): number {
  const room = blockSize - (csum ? directoryTail.length : 0);
  let blocks = 1;
  let used = 2 * dotLength;
  for (const { name } of children) {
    const length = entryLength(name.length);
    if (used + length > room) {
      blocks += 1;
      used = 0;
    }
    used += length;
  }
  return blocks;
}

/** Fills zeroed blocks with the entries of a directory. With `csum` each gets its tail, the checksum left 0. */
export function encodeDirectory(blocks: Buffer, node: Node, csum: boolean): void {
  const room = blockSize - (csum ? directoryTail.length : 0);
  let start = 0;
  let last = putEntry(blocks, 0, { name: '.', number: node.number, type: 'dir' });
  let at = dotLength;
  const put = (name: string, number: number, type: InodeEntry['type']): void => {
    const length = entryLength(name.length);
    if (at + length > start + room) {
      endBlock(last);
      start += blockSize;
      at = start;
    }
    last = putEntry(blocks, at, { name, number, type });
    at += length;
  };
  /** The last entry of a block reaches to its end. */
  const endBlock = (entry: number): void => {
    blocks.writeUInt16LE(start + room - entry, entry + directoryEntry.length);
    if (!csum) return;
    blocks.writeUInt16LE(directoryTail.length, start + room + directoryEntry.length);
    blocks.writeUInt8(directoryTail.type, start + room + directoryEntry.type);
  };
  put('..', node.parent, 'dir');
  for (const { name, node: child } of node.children) put(name, child.number, child.entry.type);
  endBlock(last);
}

interface Entry {
  readonly name: string;
  readonly number: number;
  readonly type: InodeEntry['type'];
}

/** Writes an entry no longer than it has to be, and gives its place back. */
function putEntry(blocks: Buffer, at: number, { name, number, type }: Entry): number {
  blocks.writeUInt32LE(number, at + directoryEntry.inode);
  blocks.writeUInt16LE(entryLength(name.length), at + directoryEntry.length);
  blocks.writeUInt8(name.length, at + directoryEntry.nameLength);
  blocks.writeUInt8(entryTypes[type], at + directoryEntry.type);
  blocks.write(name, at + directoryEntry.name, 'latin1');
  return at;
}
