import type { VerityOptions } from './options.ts';
import { verityParameters } from './options.ts';
import { encodeSuperblock } from './superblock.ts';
import type { HashTree } from './tree.ts';
import { buildTree } from './tree.ts';

/** The root hash of an image, as hex digits. */
export async function verityRootHash(data: AsyncIterable<Uint8Array>, options: VerityOptions): Promise<string> {
  const { rootHash } = await treeOf(data, options);
  return rootHash;
}

/** The hash image of an image, as `veritysetup format` writes it: superblock and tree. */
export async function* verityTree(data: AsyncIterable<Uint8Array>, options: VerityOptions): AsyncGenerator<Uint8Array> {
  const { levels } = await treeOf(data, options);
  yield encodeSuperblock(verityParameters(options));
  yield* levels;
}

/** An image followed by its hash image, whose offset is the size of the image. */
export async function* verityImage(data: AsyncIterable<Uint8Array>, options: VerityOptions): AsyncGenerator<Uint8Array> {
  const parameters = verityParameters(options);
  const tree = buildTree(parameters);
  for await (const bytes of data) {
    tree.add(bytes);
    yield bytes;
  }
  const { levels } = tree.finish();
  yield encodeSuperblock(parameters);
  yield* levels;
}

async function treeOf(data: AsyncIterable<Uint8Array>, options: VerityOptions): Promise<HashTree> {
  const tree = buildTree(verityParameters(options));
  for await (const bytes of data) tree.add(bytes);
  return tree.finish();
}
