import { byteString } from '../../base/byte-string.ts';
import { PortkitError } from '../../base/errors.ts';
import type { FileEntry } from '../../formats/file-tree.ts';
import type { TarEntry } from '../../formats/tar/entry.ts';
import { tarEntriesOf } from '../../images/archive.ts';
import { loadTree } from '../../images/load.ts';
import type { LoadedTree, LoadWorld } from '../../images/load.ts';
import { spoolOn } from '../../images/spool.ts';
import { contentOf, findFile } from '../../ops/elf/trees.ts';
import type { LibraryTrees } from '../../ops/elf/trees.ts';
import { treeOfEntries } from '../../ops/extract.ts';
import { openScratch } from '../../ops/scratch-file.ts';

/** The files of a guest image or initrd, open to be looked at. */
export interface GuestTree extends Disposable {
  readonly entries: readonly FileEntry[];
  /** Where programs and their libraries are looked for. */
  readonly trees: LibraryTrees;
}

/** What opening takes of the machine. */
export type GuestWorld = Pick<LoadWorld, 'scratch' | 'unxz'>;

/** Opens an image of this format; PK3951 when it is another one, and what readers of the format refuse. */
export async function openGuest(
  { path, format }: { readonly path: string; readonly format: LoadedTree['format'] },
  world: GuestWorld,
  signal: AbortSignal,
): Promise<GuestTree> {
  using held = new DisposableStack();
  const tree = held.use(await loadTree({ from: path }, { ...world, platform: '', stdin: noStdin }, signal));
  if (tree.format !== format) throw new PortkitError('PK3951', `It is ${tree.format}, and should be ${format}`);
  const blobs = spoolOn(held.use(openScratch(world.scratch)).fd);
  const root = await treeOfEntries(withoutSockets(tree, signal), { blobs }, signal);
  const trees = { roots: [root], access: { blobs, signal }, world: { blobs } };
  const kept = held.move();
  return { entries: tree.entries, trees, [Symbol.dispose]: () => kept.dispose() };
}

function noStdin(): never {
  throw new Error('An artifact is a file');
}

async function* withoutSockets({ entries, contents }: LoadedTree, signal: AbortSignal): AsyncGenerator<TarEntry> {
  yield* tarEntriesOf({ entries: entries.filter(({ type }) => type !== 'socket'), contents }, signal);
}

/** No text that is looked at is longer. */
const longestText = 2 ** 20;

/** A file of a guest, links followed. */
export interface GuestFile {
  readonly mode: number;
  readonly digest: string;
  readonly size: number;
  /** All of it; more than 1 MiB is PK3303. */
  text(): Promise<string>;
}

/** The file that an absolute path leads to; undefined for none and for what is no file. */
export async function guestFile(path: string, { trees }: GuestTree): Promise<GuestFile | undefined> {
  const place = byteString(path.slice(1));
  const found = await findFile(place, trees);
  if (found === undefined) return undefined;
  const { mode, content, size } = found.file;
  const text = async () => (await contentOf(found.file, trees, { path: place, most: longestText })).toString('latin1');
  return { mode, digest: content, size, text };
}
