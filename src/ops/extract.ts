import type { Digest } from '../base/digest.ts';
import { decompress, defaultDecompressLimits, detectCompression } from '../formats/compression/decompress.ts';
import { defaultTarLimits } from '../formats/tar/entry.ts';
import type { TarEntry } from '../formats/tar/entry.ts';
import { readTar } from '../formats/tar/read.ts';
import { stripEntries } from '../formats/tar/strip.ts';
import type { ExtractSpec } from '../graph/ops.ts';
import type { Op, OpContext } from '../solver/op.ts';
import { newTree, writeTree } from '../store/trees/editor.ts';
import type { DecompressWorld } from './decompress.ts';
import { onlyInput, openInput } from './input.ts';
import type { FileWorld } from './input.ts';
import { asOutcome } from './outcome.ts';
import { takeFiles } from './take-files.ts';
import { implied, putTarEntry, storeTarEntry } from './tar-entry.ts';

/** The tree in a tar, which may be compressed; `strip` takes that many names off the front of every path. */
export function extractOp({ strip = 0 }: ExtractSpec, world: DecompressWorld): Op {
  return {
    code: 'extract/1',
    pool: 'cpu',
    facts: () => ({ facts: { strip: `${strip}` } }),
    run: (inputs, context) =>
      asOutcome(async () => {
        const entries = readTar(await openArchive(onlyInput(inputs, 'blob'), world, context), defaultTarLimits, context.signal);
        const digest = await treeOfEntries(strip === 0 ? entries : stripEntries(entries, strip), world, context.signal);
        return { ok: true, outputs: [{ kind: 'tree', digest }] };
      }),
  };
}

async function openArchive(blob: Digest, world: DecompressWorld, context: OpContext): Promise<AsyncIterable<Uint8Array>> {
  const { format, content } = await detectCompression(await openInput(blob, world, context));
  if (format === undefined) return content;
  return decompress(content, { format, limits: defaultDecompressLimits, unxz: world.unxz }, context.signal);
}

/** Takes the entries of an archive into the store, as a tree. */
export async function treeOfEntries(entries: AsyncIterable<TarEntry>, world: FileWorld, signal: AbortSignal): Promise<Digest> {
  const editor = newTree(implied, { blobs: world.blobs, signal });
  const files = takeFiles(world, signal);
  for await (const entry of entries) await putTarEntry(editor, await storeTarEntry(entry, files));
  await files.finish();
  return writeTree(editor);
}
