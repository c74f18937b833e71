import type { Digest } from '../base/digest.ts';
import { PortkitError } from '../base/errors.ts';
import { show } from '../formats/archive-errors.ts';
import { decompress, defaultDecompressLimits, detectCompression } from '../formats/compression/decompress.ts';
import type { CpioEntry } from '../formats/cpio/entry.ts';
import { detectCpio, readCpio } from '../formats/cpio/read.ts';
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

/** The tree in a tar or cpio, which may be compressed; `strip` takes that many names off the front of every path. */
export function extractOp({ strip = 0 }: ExtractSpec, world: DecompressWorld): Op {
  return {
    code: 'extract/1',
    pool: 'cpu',
    facts: () => ({ facts: { strip: `${strip}` } }),
    run: (inputs, context) =>
      asOutcome(async () => {
        const entries = await readArchive(onlyInput(inputs, 'blob'), world, context);
        const digest = await treeOfEntries(strip === 0 ? entries : stripEntries(entries, strip), world, context.signal);
        return { ok: true, outputs: [{ kind: 'tree', digest }] };
      }),
  };
}

async function readArchive(blob: Digest, world: DecompressWorld, context: OpContext): Promise<AsyncIterable<TarEntry>> {
  const help = { archive: defaultTarLimits, limits: defaultDecompressLimits, unxz: world.unxz };
  const { format, content } = await detectCompression(await openInput(blob, world, context));
  const plain = format === undefined ? content : decompress(content, { ...help, format }, context.signal);
  const found = await detectCpio(plain);
  if (found.cpio) return withoutSockets(readCpio(found.content, help, context.signal));
  return readTar(found.content, defaultTarLimits, context.signal);
}

async function* withoutSockets(entries: AsyncIterable<CpioEntry>): AsyncGenerator<TarEntry> {
  for await (const entry of entries) {
    if (entry.type === 'socket') throw new PortkitError('PK3302', `${show(entry.path)} is a socket, which no tree holds`);
    yield entry;
  }
}

/** Takes the entries of an archive into the store, as a tree. */
export async function treeOfEntries(entries: AsyncIterable<TarEntry>, world: FileWorld, signal: AbortSignal): Promise<Digest> {
  const editor = newTree(implied, { blobs: world.blobs, signal });
  const files = takeFiles(world, signal);
  for await (const entry of entries) await putTarEntry(editor, await storeTarEntry(entry, files));
  await files.finish();
  return writeTree(editor);
}
