import { byteString } from '../../base/byte-string.ts';
import { digestOf } from '../../base/digest.ts';
import type { Digest } from '../../base/digest.ts';
import { PortkitError } from '../../base/errors.ts';
import type { FileEntry } from '../../formats/file-tree.ts';
import { chunksOf, tarEntriesOf } from '../../formats/tar/tree-entries.ts';
import { loadTree } from '../../images/load.ts';
import type { LoadedTree, LoadWorld } from '../../images/load.ts';
import { spoolOn } from '../../images/spool.ts';
import { contentOf, findFile } from '../../ops/elf/trees.ts';
import type { LibraryTrees } from '../../ops/elf/trees.ts';
import { openScratch } from '../../ops/scratch-file.ts';
import { implied, putTarEntry } from '../../ops/tar-entry.ts';
import { newTree, writeTree } from '../../store/trees/editor.ts';

/** The files of a guest image or initrd, open to be looked at. */
export interface GuestTree extends Disposable {
  readonly entries: readonly FileEntry[];
  /** Where programs and their libraries are looked for. */
  readonly trees: LibraryTrees;
}

/** What opening takes of the machine. */
export type GuestWorld = Pick<LoadWorld, 'scratch' | 'unxz'>;

/**
 * Opens an image of this format; PK3951 when it is another one, and what readers of the format refuse. Contents stay where
 * they are until they are asked for: an image may say that it has files of any size.
 */
export async function openGuest(
  { path, format }: { readonly path: string; readonly format: LoadedTree['format'] },
  world: GuestWorld,
  signal: AbortSignal,
): Promise<GuestTree> {
  using held = new DisposableStack();
  const tree = held.use(await loadTree({ from: path }, { ...world, platform: '', stdin: noStdin }, signal));
  if (tree.format !== format) throw new PortkitError('PK3951', `It is ${tree.format}, and should be ${format}`);
  const nodes = spoolOn(held.use(openScratch(world.scratch)));
  const named = new Map<Digest, string>();
  const root = await nodesOf(tree, { named, nodes }, signal);
  const blobs = {
    ...nodes,
    open: (digest: Digest) => {
      const content = named.get(digest);
      return Promise.resolve(content === undefined ? undefined : chunksOf(() => tree.contents.open(content, signal)));
    },
  };
  const trees = { roots: [root], access: { blobs, signal }, world: { blobs } };
  const kept = held.move();
  return { entries: tree.entries, trees, [Symbol.dispose]: () => kept.dispose() };
}

function noStdin(): never {
  throw new Error('An artifact is a file');
}

/** The directories as a tree in which a name stands for the content of each file; sockets are passed over. */
async function nodesOf(
  { entries, contents }: LoadedTree,
  { named, nodes }: { readonly named: Map<Digest, string>; readonly nodes: ReturnType<typeof spoolOn> },
  signal: AbortSignal,
): Promise<Digest> {
  const editor = newTree(implied, { blobs: nodes, signal });
  const kept = entries.filter(({ type }) => type !== 'socket');
  for (const [at, entry] of [...tarEntriesOf({ entries: kept, contents }, signal)].entries()) {
    if (entry.type === 'file') {
      const { content: _, ...rest } = entry;
      await putTarEntry(editor, { ...rest, digest: nameOf(kept[at]) });
    } else await putTarEntry(editor, entry);
  }
  return writeTree(editor);

  function nameOf(entry: FileEntry | undefined): Digest {
    if (entry?.type !== 'file') throw new Error('A tree and its entries are not in step');
    const digest = digestOf(Buffer.from(`content ${entry.content}`));
    named.set(digest, entry.content);
    return digest;
  }
}

/** A file of a guest, links followed. */
export interface GuestFile {
  readonly mode: number;
  readonly size: number;
  /** All of it; more than 64 MiB is PK3303. */
  read(): Promise<Buffer>;
  /** All of it as text; more than 1 MiB is PK3303. */
  text(): Promise<string>;
}

/** The file that an absolute path leads to; undefined for none and for what is no file. */
export async function guestFile(path: string, { trees }: GuestTree): Promise<GuestFile | undefined> {
  const place = byteString(path.slice(1));
  const found = await findFile(place, trees);
  if (found === undefined) return undefined;
  const { mode, size } = found.file;
  const read = (most: number) => contentOf(found.file, trees, { path: place, most });
  return { mode, size, read: () => read(2 ** 26), text: async () => (await read(2 ** 20)).toString('latin1') };
}
