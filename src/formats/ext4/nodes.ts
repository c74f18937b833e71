import type { ByteString } from '../../base/byte-string.ts';
import type { FileEntry } from '../file-tree.ts';
import { largestDevice } from './disk/device.ts';
import { inodeNumbers, maximumLinks } from './disk/inode.ts';
import { firstSecond, lastSecond } from './disk/time.ts';
import { cannotHold } from './refuse.ts';
import { planXattrs } from './xattrs.ts';
import type { XattrPlan } from './xattrs.ts';

/** Whatever has an inode of its own. */
export type InodeEntry = Exclude<FileEntry, { readonly type: 'hardlink' }>;

/** A name in a directory. */
interface Child {
  readonly name: ByteString;
  readonly node: Node;
}

/** An inode to be: its number, how often it is named, and what it names itself. */
export interface Node {
  readonly entry: InodeEntry;
  readonly number: number;
  readonly parent: number;
  readonly links: number;
  /** Sorted by name; empty for all but directories. */
  readonly children: readonly Child[];
  readonly xattrs: XattrPlan;
}

interface GrowingNode extends Node {
  links: number;
  readonly children: Child[];
}

const lostAndFound = 'lost+found' as ByteString;
const noChildren: Child[] = [];

/**
 * The inodes of a tree by ascending number: the root, lost+found (made if the tree has none), then the others in the order
 * of the tree. Throws (PK3501) for what ext4 cannot hold and for what is no tree.
 */
export function readNodes(entries: readonly FileEntry[]): readonly Node[] {
  const [root] = entries;
  if (root === undefined || root.path !== '' || root.type !== 'dir') {
    throw cannotHold('' as ByteString, 'the tree does not start with its root');
  }
  const top = makeNode(root, inodeNumbers.root, inodeNumbers.root);
  const made: Made = { nodes: [top], last: top, directories: new Map([['', top]]), linked: linkTargets(entries) };
  const usual = { ...root, path: lostAndFound, mode: 0o700, uid: 0, gid: 0, xattrs: [] };
  const lost = makeNode(usual, inodeNumbers.first, inodeNumbers.root);
  made.nodes.push(lost);
  for (let at = 1; at < entries.length; at += 1) addEntry(made, entries[at]!);
  if (made.nodes[1] === lost) addLostAndFound(lost, top);
  return made.nodes;
}

interface Made {
  readonly nodes: GrowingNode[];
  last: GrowingNode;
  readonly directories: Map<string, GrowingNode>;
  /** The targets of hard links, with their nodes once these are there. */
  readonly linked: Map<ByteString, GrowingNode | undefined>;
}

function linkTargets(entries: readonly FileEntry[]): Made['linked'] {
  const targets: Made['linked'] = new Map();
  for (const entry of entries) if (entry.type === 'hardlink') targets.set(entry.target, undefined);
  return targets;
}

function addEntry(made: Made, entry: FileEntry): void {
  const { path } = entry;
  const slash = path.lastIndexOf('/');
  const parent = parentOf(made, slash < 0 ? '' : path.slice(0, slash));
  if (parent === undefined) throw cannotHold(path, 'the tree has no directory for it');
  const name = path.slice(slash + 1) as ByteString;
  checkName(path, name);
  const before = parent.children.at(-1);
  if (before !== undefined && before.name >= name) {
    throw cannotHold(path, before.name === name ? 'the tree has it twice' : 'the names of the tree are not sorted');
  }
  const node = entry.type === 'hardlink' ? linkedNode(made, entry) : newNode(made, entry, parent);
  node.links += 1;
  if (node.links > maximumLinks && node.entry.type !== 'dir')
    throw cannotHold(path, `the file has more than ${maximumLinks} names`);
  parent.children.push({ name, node });
}

/** Entries of one directory mostly follow each other: the last parent is tried first. */
function parentOf(made: Made, path: string): GrowingNode | undefined {
  if (made.last.entry.path === path) return made.last;
  const parent = made.directories.get(path);
  if (parent !== undefined) made.last = parent;
  return parent;
}

function newNode(made: Made, entry: InodeEntry, parent: GrowingNode): GrowingNode {
  const isLost = entry.path === lostAndFound;
  if (isLost && entry.type !== 'dir') throw cannotHold(entry.path, 'this name is kept for a directory');
  const number = isLost ? inodeNumbers.first : inodeNumbers.first - 1 + made.nodes.length;
  const node = makeNode(entry, number, parent.number);
  made.nodes[number - inodeNumbers.first + 1] = node;
  if (entry.type === 'dir') {
    made.directories.set(entry.path, node);
    parent.links += 1;
  } else if (made.linked.has(entry.path)) made.linked.set(entry.path, node);
  return node;
}

function linkedNode(made: Made, entry: FileEntry & { type: 'hardlink' }): GrowingNode {
  const node = made.linked.get(entry.target);
  if (node === undefined) throw cannotHold(entry.path, 'it is a hard link to something that is no earlier file of the tree');
  return node;
}

/** A directory names itself, and the root is its own parent. */
function makeNode(entry: InodeEntry, number: number, parent: number): GrowingNode {
  checkAttributes(entry);
  const isDirectory = entry.type === 'dir';
  return {
    entry,
    number,
    parent,
    links: (isDirectory ? 1 : 0) + (number === inodeNumbers.root ? 1 : 0),
    children: isDirectory ? [] : noChildren,
    xattrs: planXattrs(entry.xattrs, (why) => cannotHold(entry.path, why)),
  };
}

function checkName(path: ByteString, name: ByteString): void {
  if (name.length > 255) throw cannotHold(path, 'its name is longer than 255 bytes');
  if (name === '' || name === '.' || name === '..' || name.includes('\0')) throw cannotHold(path, 'its name is not allowed');
}

function checkAttributes(entry: InodeEntry): void {
  const { path, mtime } = entry;
  if (!isBelow(entry.mode, 0o10000)) throw cannotHold(path, 'its mode has more than the 12 permission bits');
  if (!isBelow(entry.uid, 2 ** 32) || !isBelow(entry.gid, 2 ** 32))
    throw cannotHold(path, 'its owner is not a number of 32 bits');
  if (!Number.isSafeInteger(mtime.seconds) || mtime.seconds < firstSecond || mtime.seconds > lastSecond) {
    throw cannotHold(path, 'its time is not between 1901 and 2446');
  }
  if (!isBelow(mtime.nanos, 1e9)) throw cannotHold(path, 'the nanoseconds of its time are not below one second');
  if (entry.type === 'file') checkSize(path, entry.size);
  if (entry.type === 'symlink') checkTarget(path, entry.target);
  if (entry.type === 'char' || entry.type === 'block') checkDevice(path, entry);
}

const isBelow = (value: number, limit: number): boolean => Number.isSafeInteger(value) && value >= 0 && value < limit;

function checkSize(path: ByteString, size: number): void {
  if (!isBelow(size, 2 ** 41 + 1)) throw cannotHold(path, 'it is larger than 2 TiB');
}

function checkTarget(path: ByteString, target: ByteString): void {
  if (target.length === 0 || target.length > 4095) throw cannotHold(path, 'its target is empty or longer than 4095 bytes');
  if (target.includes('\0')) throw cannotHold(path, 'its target holds a NUL byte');
}

function checkDevice(path: ByteString, { major, minor }: { readonly major: number; readonly minor: number }): void {
  if (isBelow(major, largestDevice.major + 1) && isBelow(minor, largestDevice.minor + 1)) return;
  throw cannotHold(path, `its device number ${major}:${minor} is too large`);
}

function addLostAndFound(node: GrowingNode, top: GrowingNode): void {
  node.links = 2;
  top.links += 1;
  const at = top.children.findIndex(({ name }) => name > lostAndFound);
  top.children.splice(at < 0 ? top.children.length : at, 0, { name: lostAndFound, node });
}
