import type { ByteString } from '../../../base/byte-string.ts';
import { showBytes, toBytes } from '../../../base/byte-string.ts';
import { halfMd4 } from '../disk/half-md4.ts';
import type { FileSystem } from '../read/file-system.ts';
import { readBlock } from '../read/file-system.ts';

/** Where the root of an index says what it is, and where it and the nodes below have their entries. */
const infoAt = 24;
const rootEntriesAt = 32;
const nodeEntriesAt = 8;
const entrySize = 8;
/** What indexes are made with: legacy, half MD4 and TEA. */
const hashVersions = 3;
const halfMd4Version = 1;
const lastHash = 0xffff_fffe;

/** What a walk through the index of one directory carries with it. */
interface Walk {
  readonly fs: FileSystem;
  readonly blocks: readonly number[];
  /** None where the way of hashing is another than half MD4. */
  readonly names: readonly (readonly ByteString[])[];
  readonly wrong: (what: string) => void;
  /** Which of them the index names; the root is the first. */
  readonly named: Uint8Array;
}

/** A directory whose names were read. */
export interface IndexedDirectory {
  /** Its blocks, in its order. */
  readonly blocks: readonly number[];
  /** The names in each of them. */
  readonly names: readonly (readonly ByteString[])[];
}

/** The tree of hashes of a large directory: it names every block of names once, in the order of hashes, and where they belong. */
export function checkHashIndex(fs: FileSystem, { blocks, names }: IndexedDirectory, wrong: (what: string) => void): void {
  const root = blocks[0];
  if (root === undefined) return;
  const view = viewOf(fs, root);
  const hashed = view.getUint8(infoAt + 4) === halfMd4Version;
  const walk: Walk = { fs, blocks, names: hashed ? names : [], wrong, named: new Uint8Array(blocks.length) };
  walk.named[0] = 1;
  const levels = view.getUint8(infoAt + 6);
  const most = fs.superblock.features.has('large_dir') ? 2 : 1;
  const known =
    view.getUint8(infoAt + 4) < hashVersions && view.getUint8(infoAt + 5) === 8 && (view.getUint8(infoAt + 7) & 1) === 0;
  if (view.getUint32(infoAt, true) !== 0 || !known || levels > most) {
    wrong('the root of the hash index is malformed');
    return;
  }
  walkNode(walk, view, { at: rootEntriesAt, levels, end: lastHash });
  const missing = walk.named.indexOf(0);
  if (missing >= 0) wrong(`block ${String(missing)} of the directory is not in the hash index`);
}

/** A node: where its entries are, how many levels are below, and the hash that none of its names is beyond. */
interface Node {
  readonly at: number;
  readonly levels: number;
  readonly end: number;
}

function walkNode(walk: Walk, view: DataView, { at, levels, end }: Node): void {
  const { fs, blocks, named, wrong } = walk;
  const limit = view.getUint16(at, true);
  const count = view.getUint16(at + 2, true);
  const room = Math.floor((view.byteLength - at - (fs.seed === undefined ? 0 : entrySize)) / entrySize);
  if (limit !== room || count === 0 || count > limit) {
    wrong(`a node of the hash index has ${String(count)} entries of ${String(limit)}, and room for ${String(room)}`);
    return;
  }
  let before = 0;
  for (let index = 0; index < count; index++) {
    // The first entry has the two counts in place of a hash.
    const hash = index === 0 ? 0 : view.getUint32(at + index * entrySize, true);
    const logical = view.getUint32(at + index * entrySize + 4, true) & 0x0fff_ffff;
    const block = blocks[logical];
    if (hash < before) wrong('the hash index is not in order');
    before = hash;
    if (block === undefined || named[logical] === 1) {
      wrong(`the hash index names block ${String(logical)}, which ${block === undefined ? 'is not there' : 'it named before'}`);
      continue;
    }
    named[logical] = 1;
    const next = index + 1 < count ? (view.getUint32(at + (index + 1) * entrySize, true) & ~1) >>> 0 : end;
    if (levels > 0) walkBelow(walk, viewOf(fs, block), { at: nodeEntriesAt, levels: levels - 1, end: next });
    else checkNames(walk, logical, [(hash & ~1) >>> 0, next]);
  }
}

function walkBelow(walk: Walk, view: DataView, node: Node): void {
  const isNode = view.getUint32(0, true) === 0 && view.getUint16(4, true) === view.byteLength % 2 ** 16;
  if (isNode) walkNode(walk, view, node);
  else walk.wrong('a node of the hash index is none');
}

function checkNames({ fs, names, wrong }: Walk, logical: number, [first, last]: readonly [first: number, last: number]): void {
  const stray = names[logical]?.find((name) => {
    const hash = halfMd4(toBytes(name), fs.superblock.nameHashing);
    return hash < first || hash > last;
  });
  if (stray !== undefined) wrong(`the name ${JSON.stringify(showBytes(stray))} is in another block than its hash says`);
}

function viewOf(fs: FileSystem, block: number): DataView {
  const bytes = readBlock(fs, block);
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
