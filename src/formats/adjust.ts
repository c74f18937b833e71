import type { FileEntry, FileTree } from './file-tree.ts';

/** What all entries of a tree shall have. */
export interface Adjustments {
  readonly owner?: { readonly uid: number; readonly gid: number };
  /** Seconds since 1970. */
  readonly time?: number;
}

/** A tree with one owner, one time, or both. */
export function adjusted(tree: FileTree, { owner, time }: Adjustments): FileTree {
  if (owner === undefined && time === undefined) return tree;
  const given = { ...owner, ...(time !== undefined && { mtime: { seconds: time, nanos: 0 } }) };
  const adjust = (entry: FileEntry): FileEntry => (entry.type === 'hardlink' ? entry : { ...entry, ...given });
  return { entries: tree.entries.map(adjust), contents: tree.contents };
}
