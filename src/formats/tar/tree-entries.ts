import { showBytes } from '../../base/byte-string.ts';
import type { ByteString } from '../../base/byte-string.ts';
import { PortkitError } from '../../base/errors.ts';
import type { FileAttributes, FileTree } from '../file-tree.ts';
import type { PackedEntry } from './entry.ts';

/** A tree as the entries of a tar. A socket, which a tar does not have, is PK3952. */
export function* tarEntriesOf({ entries, contents }: FileTree, signal: AbortSignal): Generator<PackedEntry> {
  const first = new Map<ByteString, FileAttributes>();
  for (const entry of entries) {
    if (entry.type === 'hardlink') {
      const inode = first.get(entry.target);
      if (inode === undefined) throw new Error(`The link ${entry.path} comes before its file`);
      const { mode, uid, gid, mtime, xattrs } = inode;
      yield { ...entry, mode, uid, gid, mtime, xattrs };
      continue;
    }
    if (entry.type === 'socket') throw noSocket(entry.path);
    if (entry.type !== 'dir') first.set(entry.path, entry);
    if (entry.type === 'file') yield { ...entry, content: contents.open(entry.content, signal) };
    else if (entry.type === 'symlink' || entry.type === 'char' || entry.type === 'block') yield entry;
    else yield { ...entry, type: entry.type };
  }
}

/** Why a socket is not taken along. */
export function noSocket(path: ByteString): PortkitError {
  return new PortkitError('PK3952', `"/${showBytes(path)}" is a socket, which cannot be taken over`, { hint: 'Leave it out' });
}

/** Content as a stream, opened when it is read. */
export async function* chunksOf(open: () => Uint8Array | AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  const content = open();
  if (content instanceof Uint8Array) yield content;
  else yield* content;
}
