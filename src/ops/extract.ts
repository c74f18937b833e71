import type { Digest } from '../base/digest.ts';
import { never } from '../base/exhaustive.ts';
import { decompress, defaultDecompressLimits, detectCompression } from '../formats/compression/decompress.ts';
import { defaultTarLimits } from '../formats/tar/entry.ts';
import type { TarEntry } from '../formats/tar/entry.ts';
import { readTar } from '../formats/tar/read.ts';
import { stripEntries } from '../formats/tar/strip.ts';
import type { ExtractSpec } from '../graph/ops.ts';
import type { Op, OpContext } from '../solver/op.ts';
import { newTree, putDirectory, putEntry, putLink, writeTree } from '../store/trees/editor.ts';
import type { TreeEditor } from '../store/trees/place.ts';
import type { DecompressWorld } from './decompress.ts';
import { onlyInput, openInput } from './input.ts';
import { asOutcome } from './outcome.ts';
import { takeFiles } from './take-files.ts';
import type { FileTaker } from './take-files.ts';

/** The tree in a tar, which may be compressed; `strip` takes that many names off the front of every path. */
export function extractOp({ strip = 0 }: ExtractSpec, world: DecompressWorld): Op {
  return {
    code: 'extract/1',
    pool: 'cpu',
    facts: () => Promise.resolve({ facts: { strip: `${strip}` } }),
    run: (inputs, context) =>
      asOutcome(async () => {
        const entries = readTar(await openArchive(onlyInput(inputs, 'blob'), world, context), defaultTarLimits, context.signal);
        const digest = await treeOf(strip === 0 ? entries : stripEntries(entries, strip), world, context.signal);
        return { ok: true, outputs: [{ kind: 'tree', digest }] };
      }),
  };
}

async function openArchive(blob: Digest, world: DecompressWorld, context: OpContext): Promise<AsyncIterable<Uint8Array>> {
  const { format, content } = await detectCompression(await openInput(blob, world, context));
  if (format === undefined) return content;
  return decompress(content, { format, limits: defaultDecompressLimits, unxz: world.unxz }, context.signal);
}

/** Directories that an archive does not name. */
const implied = { mode: 0o755, uid: 0, gid: 0, mtime: { seconds: 0, nanos: 0 }, xattrs: [] };

async function treeOf(entries: AsyncIterable<TarEntry>, world: DecompressWorld, signal: AbortSignal): Promise<Digest> {
  const editor = newTree(implied, { blobs: world.blobs, signal });
  const files = takeFiles(world, signal);
  for await (const entry of entries) await put(editor, entry, files);
  await files.finish();
  return writeTree(editor);
}

async function put(editor: TreeEditor, entry: TarEntry, files: FileTaker): Promise<void> {
  const { path, mode, uid, gid, mtime, xattrs } = entry;
  const attributes = { mode, uid, gid, mtime, xattrs };
  switch (entry.type) {
    case 'dir':
      return putDirectory(editor, path, { attributes, parents: implied });
    case 'hardlink':
      return putLink(editor, path, { target: entry.target, parents: implied });
    case 'file': {
      const content = await files.take(entry.content, entry.size);
      return putEntry(editor, path, { entry: { ...attributes, type: 'file', content, size: entry.size }, parents: implied });
    }
    case 'symlink':
      return putEntry(editor, path, { entry: { ...attributes, type: entry.type, target: entry.target }, parents: implied });
    case 'char':
    case 'block': {
      const { type, major, minor } = entry;
      return putEntry(editor, path, { entry: { ...attributes, type, major, minor }, parents: implied });
    }
    case 'fifo':
      return putEntry(editor, path, { entry: { ...attributes, type: entry.type }, parents: implied });
    default:
      return never(entry);
  }
}
