import { readdirSync, readlinkSync, readFileSync, lstatSync } from 'node:fs';
import { join } from 'node:path';
import type { Target } from '../exporter.ts';
import { byteString } from '../../base/byte-string.ts';
import { createMemoryStore } from '../../store/memory.ts';
import { putLink, newTree, putDirectory, putEntry, writeTree } from '../../store/trees/editor.ts';
import type { Attributes } from '../../store/trees/node.ts';

const { signal } = new AbortController();

const plain: Attributes = { mode: 0o644, uid: 0, gid: 0, mtime: { seconds: 0, nanos: 0 }, xattrs: [] };
const parents = { ...plain, mode: 0o755 };

/** One thing to put into a tree: text is a file. */
type Thing =
  | {
      readonly text: string;
      readonly mode?: number;
      readonly xattrs?: Attributes['xattrs'];
      readonly claims?: number;
      readonly uid?: number;
      readonly gid?: number;
    }
  | { readonly to: string }
  | { readonly directory: number }
  | { readonly like: string }
  | { readonly device: [number, number] };

/** Results in memory, to be exported. */
export interface Results {
  readonly blobs: ReturnType<typeof createMemoryStore>;
  blob(name: string, content: string | Uint8Array): Promise<Target>;
  tree(name: string, things: Readonly<Record<string, Thing>>): Promise<Target>;
}

/** Begins with none. */
export function startResults(): Results {
  const blobs = createMemoryStore();
  async function content(
    bytes: string | Uint8Array,
  ): Promise<{ content: Awaited<ReturnType<typeof blobs.write>>['digest']; size: number }> {
    const { digest, size } = await blobs.write(once(Buffer.from(bytes)), signal);
    return { content: digest, size };
  }
  return {
    blobs,
    async blob(name, bytes) {
      return { name, ref: { kind: 'blob', digest: (await content(bytes)).content } };
    },
    async tree(name, things) {
      const editor = newTree(parents, { blobs, signal });
      for (const [path, thing] of Object.entries(things)) {
        const at = byteString(path);
        if ('like' in thing) await putLink(editor, at, { target: byteString(thing.like), parents });
        else if ('directory' in thing)
          await putDirectory(editor, at, { attributes: { ...plain, mode: thing.directory }, parents });
        else if ('to' in thing) {
          await putEntry(editor, at, {
            entry: { type: 'symlink', target: byteString(thing.to), ...plain, mode: 0o777 },
            parents,
          });
        } else if ('device' in thing) {
          const [major, minor] = thing.device;
          await putEntry(editor, at, { entry: { type: 'char', major, minor, ...plain }, parents });
        } else {
          const { mode = 0o644, xattrs = [], claims, uid = 0, gid = 0 } = thing;
          const written = await content(thing.text);
          const entry = { type: 'file' as const, ...written, size: claims ?? written.size, ...plain, mode, xattrs, uid, gid };
          await putEntry(editor, at, { entry, parents });
        }
      }
      return { name, ref: { kind: 'tree', digest: await writeTree(editor) } };
    },
  };
}

async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield await Promise.resolve(bytes);
}

/** Everything below a directory as `path mode content`, in order; unfinished work too. */
export function shown(directory: string, below = ''): readonly string[] {
  return readdirSync(join(directory, below))
    .toSorted()
    .flatMap((name) => {
      const path = join(below, name);
      const full = join(directory, path);
      const stat = lstatSync(full);
      if (stat.isSymbolicLink()) return [`${path} -> ${readlinkSync(full)}`];
      const mode = (stat.mode & 0o7777).toString(8);
      if (stat.isDirectory()) return [`${path}/ ${mode}`, ...shown(directory, path)];
      return [`${path} ${mode} ${stat.size > 200 ? `(${stat.size})` : readFileSync(full, 'utf8')}`];
    });
}
