import { byteString } from '../../base/byte-string.ts';
import type { ByteString } from '../../base/byte-string.ts';
import type { Digest } from '../../base/digest.ts';
import { PortkitError } from '../../base/errors.ts';
import type { TreeEdit } from '../../graph/ops.ts';
import { patternFilter } from '../../store/host/ignore.ts';
import { readNode } from '../../store/trees/access.ts';
import type { Item, TreeWriteAccess } from '../../store/trees/access.ts';
import { editTree, removeEntry, writeTree } from '../../store/trees/editor.ts';
import { mergeTrees } from '../../store/trees/merge.ts';
import { joinPath, sameBytes, showPath } from '../../store/trees/path.ts';
import { selectTree } from '../../store/trees/select.ts';
import { editPath, followPath, missingPath } from './paths.ts';

/** A copy as an edit says it. */
export type CopyEdit = Extract<TreeEdit, { copy: number }>;

/** What a copy takes out of a tree: a directory with what is chosen of it, or anything else. */
export type Selection =
  | { readonly type: 'dir'; readonly node: Digest; readonly name: ByteString }
  | { readonly type: 'entry'; readonly item: Exclude<Item, { type: 'dir' }>; readonly name: ByteString };

/** Everything of a tree that a copy reads, before it gets another owner, mode or time. */
export async function selectForCopy(tree: Digest, edit: CopyEdit, access: TreeWriteAccess): Promise<Selection> {
  const asked = editPath(edit.path ?? '/').path;
  const name = sameBytes(asked.slice(asked.lastIndexOf('/') + 1));
  const { path, item } = await followPath(tree, asked, { access, last: 'keep' });
  if (item === undefined) throw await missingPath(tree, asked, access);
  const { include = [], exclude = [], strip = 0 } = edit;
  if (item.type !== 'dir') {
    if (include.length + exclude.length + strip === 0) return { type: 'entry', item, name };
    throw new PortkitError('PK3308', `${showPath(asked)} is a ${item.type}: include, exclude and strip are for directories`);
  }
  let node = (path === '' ? tree : await selectTree(tree, path, access)) ?? item.node;
  if (include.length + exclude.length > 0) node = await chosen(node, { include, exclude }, access);
  if (strip > 0) node = await stripped(node, strip, access);
  return { type: 'dir', node, name };
}

/** The tree of what the patterns keep; directories on the way stay, those that only could have held something go. */
async function chosen(
  tree: Digest,
  { include, exclude }: { readonly include: readonly string[]; readonly exclude: readonly string[] },
  access: TreeWriteAccess,
): Promise<Digest> {
  const filter = patternFilter({ include: include.map(byteString), exclude: exclude.map(byteString) });
  const editor = await editTree(tree, access);
  async function prune(node: Digest, directory: ByteString): Promise<boolean> {
    let left = false;
    for (const entry of (await readNode(node, access)).entries) {
      const path = joinPath(directory, entry.name);
      const kept = filter.keeps(path);
      const inner = entry.type === 'dir' && (kept || filter.enters(path)) && (await prune(entry.node, path));
      if (kept || inner) left = true;
      else await removeEntry(editor, path);
    }
    return left;
  }
  const left = await prune(tree, sameBytes(''));
  if (left || include.length === 0) return writeTree(editor);
  throw new PortkitError('PK3307', `Nothing matches ${include.map((one) => JSON.stringify(one)).join(', ')}`, {
    hint: 'Patterns are relative to the directory that is copied',
  });
}

/** What lies this many names deep becomes the root; of directories that meet there, the later by name wins. */
async function stripped(tree: Digest, count: number, access: TreeWriteAccess): Promise<Digest> {
  let level = [{ path: sameBytes(''), node: tree }];
  for (let depth = 0; depth < count && level.length > 0; depth += 1) {
    const next: typeof level = [];
    for (const { path, node } of level) {
      for (const entry of (await readNode(node, access)).entries) {
        if (entry.type === 'dir') next.push({ path: joinPath(path, entry.name), node: entry.node });
      }
    }
    level = next;
  }
  const [first, ...others] = await Promise.all(
    level.map(async ({ path, node }) => (await selectTree(tree, path, access)) ?? node),
  );
  if (first !== undefined) return mergeTrees([first, ...others], access);
  throw new PortkitError('PK3307', `Nothing is left when ${count} names are taken off the front of every path`);
}
