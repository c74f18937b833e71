import { byteString } from '../../base/byte-string.ts';
import { digestFromHex } from '../../base/digest.ts';
import type { Digest } from '../../base/digest.ts';
import { PortkitError } from '../../base/errors.ts';
import type { Ref } from '../../base/ref.ts';
import type { BlobAdopter, BlobInfo, BlobStore, SmallBlobs } from '../../store/blobs.ts';
import type { Lease } from '../../store/store.ts';
import { newTree, putEntry, writeTree } from '../../store/trees/editor.ts';
import type { WritableFiles } from '../layout/files.ts';
import { layoutTarget } from '../layout/target.ts';
import type { LayoutTarget } from '../layout/target.ts';
import { createTurn } from '../layout/turn.ts';

/** What a new layout in the store is made with; the lease holds its blobs until somebody holds the tree. */
export interface StoreAccess {
  /** Where its blobs are: files are moved there from the same file system. */
  readonly directory: string;
  readonly blobs: BlobStore & BlobAdopter & SmallBlobs;
  readonly lease: Lease;
}

/** A layout that is being filled, and becomes a tree of the store. */
export interface StoreLayout {
  readonly layout: LayoutTarget;
  readonly tree: (signal: AbortSignal) => Promise<Ref>;
}

const file = { mode: 0o644, uid: 0, gid: 0, mtime: { seconds: 0, nanos: 0 }, xattrs: [] };
const folder = { ...file, mode: 0o755 };

/** An empty layout whose files go to the store. */
export function storeLayout({ directory, blobs, lease }: StoreAccess): StoreLayout {
  const files = new Map<string, BlobInfo>();
  const inTurn = createTurn();
  const held = (digest: Digest): void => {
    lease.hold([{ kind: 'blob', digest }]);
  };
  const parts: WritableFiles = {
    shown: 'the store',
    size: (path) => Promise.resolve(files.get(path)?.size),
    async *open(path, signal) {
      const info = files.get(path);
      const content = info === undefined ? undefined : await blobs.open(info.digest, signal);
      if (content === undefined) throw new PortkitError('PK2002', `${path} of a layout is not in the store`);
      yield* content;
    },
    async put(path, content, signal) {
      const info = await blobs.write(content, signal);
      held(info.digest);
      files.set(path, info);
    },
    adopt: (path, { digest, size, signal, asFile }) =>
      asFile(directory, async (file) => {
        const info = { digest: digestFromHex(digest.slice('sha256:'.length)), size };
        await blobs.adopt({ ...info, path: file }, signal);
        held(info.digest);
        files.set(path, info);
      }),
    remove: (path) => Promise.resolve(files.delete(path)),
    alone: (work) => inTurn(work),
  };
  return {
    layout: layoutTarget(parts),
    async tree(signal) {
      const editor = newTree(folder, { blobs, signal });
      for (const [path, { digest, size }] of files) {
        const entry = { ...file, type: 'file' as const, content: digest, size };
        await putEntry(editor, byteString(path), { entry, parents: folder });
      }
      const ref = { kind: 'tree', digest: await writeTree(editor) } as const;
      lease.hold([ref]);
      return ref;
    },
  };
}
