import { PortkitError } from '../../src/base/errors.ts';
import { readAr } from '../../src/formats/ar.ts';
import { readCpio } from '../../src/formats/cpio/read.ts';
import { defaultTarLimits } from '../../src/formats/tar/entry.ts';
import { readTar } from '../../src/formats/tar/read.ts';
import { unpackDeb } from '../../src/ops/deb/unpack.ts';
import { takeFiles } from '../../src/ops/take-files.ts';
import { newTree, writeTree } from '../../src/store/trees/editor.ts';
import { listTree } from '../../src/store/trees/list.ts';
import { cpioHelp, signal } from '../formats/cpio.ts';
import { createWorld } from '../ops/world.ts';
import { tell } from './case.ts';

/** An archive on its way in. */
type Source = AsyncIterable<Uint8Array>;

/** What is read of each format, entry by entry; of a Debian package, the tree it leaves. */
export const readers = {
  async *tar(source: Source) {
    for await (const entry of readTar(source, defaultTarLimits, signal)) yield tell(entry);
  },
  async *cpio(source: Source) {
    for await (const entry of readCpio(source, cpioHelp, signal)) yield tell(entry);
  },
  async *ar(source: Source) {
    for await (const { name, content } of readAr(source, signal))
      yield `${name}=${Buffer.concat(await Array.fromAsync(content)).toString('latin1')}`;
  },
  async *deb(source: Source) {
    const world = createWorld();
    const implied = { mode: 0o755, uid: 0, gid: 0, mtime: { seconds: 0, nanos: 0 }, xattrs: [] };
    const editor = newTree(implied, { blobs: world.blobs, signal });
    const files = takeFiles(world, signal);
    await unpackDeb(editor, source, { files, unxz: world.unxz, signal });
    await files.finish();
    const digest = await writeTree(editor);
    for await (const { path, item } of listTree(digest, { blobs: world.blobs, signal })) yield `/${path} ${item.type}`;
  },
};

/** All that was read, or the code of the error; any other error is none that a reader may have. */
export async function outcome(read: (source: Source) => AsyncIterable<string>, source: Source): Promise<string> {
  try {
    return (await Array.fromAsync(read(source))).join('; ');
  } catch (error) {
    if (error instanceof PortkitError) return error.code;
    throw error;
  }
}
