import type { ByteString } from '../../base/byte-string.ts';
import { sameBytes } from './path.ts';

/** The hard link groups of one directory, to be changed: every member leads to its group. Paths are relative to it. */
export type Links = Map<ByteString, Set<ByteString>>;

/** Makes these paths one group, together with the groups they are in. */
export function addGroup(links: Links, paths: Iterable<ByteString>): void {
  const group = new Set<ByteString>();
  for (const path of paths) {
    for (const member of links.get(path) ?? [path]) group.add(member);
  }
  for (const member of group) links.set(member, group);
}

/** Takes a path, and with `below` everything under it, out of its group. */
export function dropLinks(links: Links, path: ByteString, below: boolean): void {
  const gone = below ? [...links.keys()].filter((member) => member === path || member.startsWith(`${path}/`)) : [path];
  for (const member of gone) {
    links.get(member)?.delete(member);
    links.delete(member);
  }
}

/** Takes out the whole group that a path is in, and answers its members. */
export function takeGroup(links: Links, path: ByteString): readonly ByteString[] {
  const group = [...(links.get(path) ?? [])];
  for (const member of group) links.delete(member);
  return group;
}

/** The groups, sorted as a node has them. */
export function groupsOf(links: Links): readonly (readonly ByteString[])[] {
  const groups = [...new Set(links.values())].map((group) => [...group].sort());
  return groups.sort((a, b) => ((a[0] ?? '') < (b[0] ?? '') ? -1 : 1));
}

/** The first name of a path. */
export function firstName(path: ByteString): ByteString {
  const end = path.indexOf('/');
  return end < 0 ? path : sameBytes(path.slice(0, end));
}
