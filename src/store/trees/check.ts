import type { ByteString } from '../../base/byte-string.ts';
import { showBytes } from '../../base/byte-string.ts';
import { PortkitError } from '../../base/errors.ts';
import type { Attributes, Entry, TreeNode } from './node.ts';

/** Refuses (PK2103) a node that is not canonical; what passes has exactly one encoding. */
export function checkNode(node: TreeNode, name: string): void {
  checkAttributes(node, name);
  let last = '';
  const types = new Map<string, Entry['type']>();
  for (const entry of node.entries) {
    checkName(entry.name, name);
    if (entry.name <= last) throw malformed(name, `entry ${JSON.stringify(showBytes(entry.name))} is out of order or twice`);
    last = entry.name;
    types.set(entry.name, entry.type);
    checkEntry(entry, name);
  }
  checkLinks(node.links, types, name);
}

function checkEntry(entry: Entry, name: string): void {
  if (entry.type === 'dir') return;
  checkAttributes(entry, name);
  if (entry.type === 'file' && !isCount(entry.size, Number.MAX_SAFE_INTEGER))
    throw malformed(name, 'a file size is out of range');
  if (entry.type === 'symlink' && (entry.target.length === 0 || entry.target.length > 65_535 || entry.target.includes('\0'))) {
    throw malformed(name, 'a symlink has no target or one that is not allowed');
  }
  if (
    (entry.type === 'char' || entry.type === 'block') &&
    !(isCount(entry.major, 0xffffffff) && isCount(entry.minor, 0xffffffff))
  ) {
    throw malformed(name, 'a device number is out of range');
  }
}

function checkName(entry: ByteString, name: string): void {
  const bad =
    entry === '' || entry === '.' || entry === '..' || entry.length > 255 || entry.includes('/') || entry.includes('\0');
  if (bad) throw malformed(name, `the name ${JSON.stringify(showBytes(entry).slice(0, 80))} is not allowed`);
}

function checkAttributes(attributes: Attributes, name: string): void {
  const { mode, uid, gid, mtime, xattrs } = attributes;
  if (!isCount(mode, 0o7777)) throw malformed(name, 'a mode is out of range');
  if (!isCount(uid, 0xffffffff) || !isCount(gid, 0xffffffff)) throw malformed(name, 'an owner is out of range');
  if (!Number.isSafeInteger(mtime.seconds) || !isCount(mtime.nanos, 999_999_999)) throw malformed(name, 'a time is out of range');
  let last = '';
  for (const xattr of xattrs) {
    if (xattr.name <= last || xattr.name.length > 255 || xattr.name.includes('\0'))
      throw malformed(name, 'an extended attribute is out of order');
    last = xattr.name;
  }
}

/** A group stands at its lowest common directory, so its members do not all lie below one and the same name. */
function checkLinks(links: TreeNode['links'], types: ReadonlyMap<string, Entry['type']>, name: string): void {
  const seen = new Set<string>();
  let last = '';
  for (const group of links) {
    const first = group[0] ?? '';
    if (group.length < 2 || first <= last) throw malformed(name, 'a hard link group is out of order or too small');
    last = first;
    let member = '';
    for (const path of group) {
      if (path <= member || seen.has(path)) throw malformed(name, 'a hard link is out of order or twice');
      member = path;
      seen.add(path);
      const parts = path.split('/');
      const bad = parts.some((part) => part === '' || part === '.' || part === '..' || part.length > 255 || part.includes('\0'));
      const type = types.get(parts[0] ?? '');
      if (bad || type !== (parts.length === 1 ? 'file' : 'dir')) throw malformed(name, 'a hard link leads nowhere');
    }
    if (new Set(group.map((path) => path.split('/')[0])).size < 2)
      throw malformed(name, 'a hard link group belongs further down');
  }
}

function isCount(value: number, most: number): boolean {
  return Number.isSafeInteger(value) && value >= 0 && value <= most;
}

/** The error for a node that breaks a rule. */
export function malformed(name: string, what: string): PortkitError {
  return new PortkitError('PK2103', `The tree ${name} is malformed: ${what}`);
}
