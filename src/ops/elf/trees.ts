import type { ByteString } from '../../base/byte-string.ts';
import type { Digest } from '../../base/digest.ts';
import { PortkitError } from '../../base/errors.ts';
import { readElf } from '../../formats/elf/read.ts';
import type { Elf } from '../../formats/elf/read.ts';
import type { Item, TreeAccess } from '../../store/trees/access.ts';
import { showPath } from '../../store/trees/path.ts';
import type { FileWorld } from '../input.ts';
import { followPath } from '../tree/paths.ts';

/** The trees that libraries are looked for in, the first that has one wins. */
export interface LibraryTrees {
  readonly roots: readonly Digest[];
  readonly access: TreeAccess;
  readonly world: FileWorld;
}

type FileItem = Extract<Item, { type: 'file' }>;

/** A program or library that was found. */
export interface ElfFile {
  /** Where it was looked for; symlinks may lead elsewhere. */
  readonly path: ByteString;
  /** Which of the trees has it. */
  readonly tree: number;
  readonly file: FileItem;
  readonly elf: Elf;
}

/** The file that a path leads to in the first tree that has one. */
export async function findFile(
  path: ByteString,
  { roots, access }: LibraryTrees,
): Promise<{ readonly tree: number; readonly file: FileItem } | undefined> {
  for (const [tree, root] of roots.entries()) {
    const { item } = await followPath(root, path, { access, last: 'follow' });
    if (item?.type === 'file') return { tree, file: item };
  }
  return undefined;
}

/** The ELF file that a path leads to; anything else is passed over. */
export async function findElf(path: ByteString, trees: LibraryTrees): Promise<ElfFile | undefined> {
  const found = await findFile(path, trees);
  if (found === undefined) return undefined;
  const bytes = await contentOf(found.file, trees, { path, most: largestElf });
  const elf = await readElf((offset, size) => Promise.resolve(bytes.subarray(offset, offset + size)));
  return elf && { path, ...found, elf };
}

const largestElf = 2 ** 29;

/** The whole content of a file. */
export async function contentOf(
  { content, size }: FileItem,
  { access, world }: LibraryTrees,
  { path, most }: { readonly path: ByteString; readonly most: number },
): Promise<Buffer> {
  if (size > most) throw new PortkitError('PK3303', `${showPath(path)} has more than ${most} bytes`);
  // What an edit wrote is in memory only.
  const small = size <= 2 ** 20 ? await access.blobs.get(content) : undefined;
  if (small !== undefined) return Buffer.from(small);
  const stream = await world.blobs.open(content, access.signal);
  if (stream === undefined) throw new PortkitError('PK2002', `The blob ${content} is not in the store`);
  return Buffer.concat(await Array.fromAsync(stream));
}
