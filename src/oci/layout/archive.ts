import { constants } from 'node:fs';
import { open } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import { onFile } from '../../artifacts/copies/failure.ts';
import { PortkitError } from '../../base/errors.ts';
import type { PassableStream } from '../../formats/byte-reader.ts';
import { readTar } from '../../formats/tar/read.ts';
import type { LayoutFiles, LayoutSource } from './files.ts';
import { isOciDigest } from '../model/digest.ts';
import type { HeldBlob } from './held.ts';
import { layoutSource } from './source.ts';

/** More than any layout has; the bytes are only counted, not read. */
const limits = { entries: 200_000, bytes: Number.MAX_SAFE_INTEGER, metadata: 64 << 20 };
/** As many blobs as are looked for at once have few bytes between their headers. */
const headSize = 1 << 16;
const chunkSize = 1 << 18;

/** Where a file is in the archive; undefined for what is there and no file. */
type Place = { readonly offset: number; readonly size: number } | undefined;

/** A layout in a tar, with the blobs that it has. */
interface Archive extends LayoutSource, AsyncDisposable {
  readonly blobs: readonly HeldBlob[];
}

/** A layout in a tar, which is read in place: opening it only passes over the contents. PK4002 when it is no layout. */
export async function openArchive(path: string, signal: AbortSignal): Promise<Archive> {
  const handle = await onFile('open', path, () => open(path, constants.O_RDONLY | constants.O_NONBLOCK));
  try {
    const stat = await handle.stat();
    if (!stat.isFile()) throw new PortkitError('PK4002', `${path} is no regular file`);
    const places = await locate({ handle, path, size: stat.size }, signal);
    const source = layoutSource(archiveFiles({ handle, path, places }));
    await source.roots(signal);
    return { ...source, blobs: blobsOf(places), [Symbol.asyncDispose]: () => handle.close() };
  } catch (error) {
    await handle.close();
    throw error;
  }
}

function blobsOf(places: ReadonlyMap<string, Place>): readonly HeldBlob[] {
  return [...places].flatMap(([path, place]) => {
    const [, algorithm = '', hex = ''] = /^blobs\/([^/]+)\/([^/]+)$/.exec(path) ?? [];
    const digest = `${algorithm}:${hex}`;
    return place !== undefined && isOciDigest(digest) ? { digest, size: place.size } : [];
  });
}

interface Opened {
  readonly handle: FileHandle;
  readonly path: string;
}

async function locate(file: Opened & { readonly size: number }, signal: AbortSignal): Promise<ReadonlyMap<string, Place>> {
  const places = new Map<string, Place>();
  const offsets = new Map<string, number>();
  const rules = { ...limits, located: (path: string, offset: number) => void offsets.set(path, offset) };
  for await (const entry of readTar(headers(file), rules, signal)) {
    if (entry.type === 'dir') continue;
    const offset = offsets.get(entry.path);
    places.set(entry.path, entry.type === 'file' && offset !== undefined ? { offset, size: entry.size } : undefined);
  }
  return places;
}

/** The bytes of the archive, without those that are passed over. */
function headers({ handle, path, size }: Opened & { readonly size: number }): PassableStream {
  let at = 0;
  return {
    pass(most) {
      const passed = Math.min(most, size - at);
      at += passed;
      return passed;
    },
    async *[Symbol.asyncIterator]() {
      for (;;) {
        const bytes = await readAt({ handle, path }, { offset: at, size: headSize });
        if (bytes.length === 0) return;
        at += bytes.length;
        yield bytes;
      }
    },
  };
}

function archiveFiles({ handle, path: shown, places }: Opened & { readonly places: ReadonlyMap<string, Place> }): LayoutFiles {
  function place(path: string): Place {
    const found = places.get(path);
    if (found === undefined && places.has(path)) throw new PortkitError('PK4002', `${path} of ${shown} is no file of its own`);
    return found;
  }
  return {
    shown,
    // oxlint-disable-next-line require-await -- so that what is no file is a rejection
    size: async (path) => place(path)?.size,
    async *open(path, signal) {
      const { offset, size } = place(path) ?? { offset: 0, size: 0 };
      for (let done = 0; done < size;) {
        signal.throwIfAborted();
        const bytes = await readAt({ handle, path: shown }, { offset: offset + done, size: Math.min(chunkSize, size - done) });
        if (bytes.length === 0) return;
        done += bytes.length;
        yield bytes;
      }
    },
  };
}

async function readAt(
  { handle, path }: Opened,
  { offset, size }: { readonly offset: number; readonly size: number },
): Promise<Uint8Array> {
  const { buffer, bytesRead } = await onFile('read', path, () => handle.read(Buffer.allocUnsafe(size), 0, size, offset));
  return buffer.subarray(0, bytesRead);
}
