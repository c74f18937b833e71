import { statSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { PortkitError, systemCode } from '../../base/errors.ts';
import { storeFailure } from '../../store/disk/failure.ts';
import { openParts } from '../../store/parts/parts.ts';
import type { Part, Parts } from '../../store/parts/parts.ts';
import type { Descriptor } from '../model/descriptor.ts';
import { kindOf } from '../model/media-types.ts';
import type { Source } from '../model/ports.ts';
import { verified, wrongContent } from '../model/read.ts';

/** A source that can begin in the middle of a blob. */
export interface Resumable extends Source {
  /** Gives the bytes from `offset` on to `take`, which has them only while it is called; only their number is checked. */
  receiveFrom(
    descriptor: Descriptor,
    from: { readonly offset: number; readonly signal: AbortSignal; readonly take: (bytes: Uint8Array) => void },
  ): Promise<void>;
}

/** Where parts are kept. */
export interface Keeping {
  /** Is asked when it is first needed; undefined when nothing can be kept. */
  folder(): Promise<string | undefined>;
  /** Milliseconds, as files are dated. */
  now(): number;
  /** Smaller blobs are not worth it (8 MiB when it is not said). */
  readonly least?: number;
}

const pieceSize = 1 << 20;

interface Kept {
  readonly folder: string;
  readonly parts: Parts;
}

/** The same source; what comes of its large blobs outlives this process until they have come whole. */
export function resuming(source: Resumable, keeping: Keeping): Source & Disposable {
  const { least = 8 << 20 } = keeping;
  let opened: Promise<Kept | undefined> | undefined;
  let held: Parts | undefined;
  async function openKept(): Promise<Kept | undefined> {
    const folder = await keeping.folder();
    const parts = folder === undefined ? undefined : unlessRefused(() => openParts(folder, keeping.now()));
    held = parts;
    return folder === undefined || parts === undefined ? undefined : { folder, parts };
  }
  /** The part of a blob that is worth one, where one can be had. */
  async function partOf(
    { mediaType, digest, size }: Descriptor,
    signal: AbortSignal,
    beside?: string,
  ): Promise<Part | undefined> {
    if (size <= least || kindOf(mediaType) !== 'blob' || !digest.startsWith('sha256:')) return undefined;
    const kept = await (opened ??= openKept());
    if (kept === undefined || (beside !== undefined && deviceOf(beside) !== deviceOf(kept.folder))) return undefined;
    return unlessRefused(() => kept.parts.open(digest.replace(':', '-'), signal));
  }
  return {
    ...source,
    async fetch(descriptor, signal) {
      const part = await partOf(descriptor, signal);
      if (part === undefined) return source.fetch(descriptor, signal);
      try {
        if (part.size === 0) return kept(part, await source.fetch(descriptor, signal));
        await fill(part, { source, descriptor, progress: () => undefined }, signal);
        return given(part, descriptor);
      } catch (error) {
        await part[Symbol.asyncDispose]();
        throw error;
      }
    },
    filing: {
      async file(descriptor, { beside, signal, progress }, use) {
        await using part = await partOf(descriptor, signal, beside);
        if (part === undefined) return false;
        await fill(part, { source, descriptor, progress }, signal);
        await use(part.path);
        await part.remove();
        return true;
      },
    },
    [Symbol.dispose]: () => held?.[Symbol.dispose](),
  };
}

interface Wanted {
  readonly source: Resumable;
  readonly descriptor: Descriptor;
  readonly progress: (bytes: number) => void;
}

/** Fetches what a part lacks, until it is the blob, durably. What turns out to be of another one is begun anew. */
async function fill(part: Part, { source, descriptor, progress }: Wanted, signal: AbortSignal): Promise<void> {
  const { digest, size } = descriptor;
  const isNew = part.size === 0 || part.size > size;
  try {
    if (isNew) await part.begin('');
    const file = await part.grow(size);
    const take = (bytes: Uint8Array) => {
      file.append(bytes);
      progress(file.size);
    };
    await source.receiveFrom(descriptor, { offset: file.size, take, signal });
    const found = await file.finish();
    if (found.digest === digest) return;
    await part.remove();
    if (isNew) throw wrongContent(descriptor, `its digest is ${found.digest}`);
  } catch (error) {
    if (error instanceof PortkitError && error.code === 'PK4003') await part.remove();
    throw error;
  }
  return fill(part, { source, descriptor, progress }, signal);
}

/** A part that is whole; it is gone when all of it was taken. */
async function* given(part: Part, descriptor: Descriptor): AsyncGenerator<Uint8Array> {
  await using open = part;
  yield* verified(piecesOf(open.path), descriptor);
  await open.remove();
}

async function* piecesOf(path: string): AsyncGenerator<Uint8Array> {
  await using file = await open(path);
  for (let at = 0; ;) {
    const { buffer, bytesRead } = await file.read(Buffer.allocUnsafe(pieceSize), 0, pieceSize, at);
    if (bytesRead === 0) return;
    at += bytesRead;
    yield buffer.subarray(0, bytesRead);
  }
}

/** Content that is kept as it goes by, until it ends. */
async function* kept(part: Part, content: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  await using open = part;
  let keeps = await unlessRefused(() => open.begin('').then(() => true));
  let isOver = false;
  try {
    for await (const chunk of content) {
      keeps &&= unlessRefused(() => (open.append(chunk), true));
      yield chunk;
    }
    isOver = true;
  } catch (error) {
    isOver = error instanceof PortkitError && error.code === 'PK4003';
    throw error;
  } finally {
    if (isOver || keeps !== true) await open.remove();
  }
}

function deviceOf(path: string): number | undefined {
  return unlessRefused(() => statSync(path).dev);
}

/** Undefined where the system refuses: a part is a convenience. */
function unlessRefused<T>(work: () => Promise<T>): Promise<T | undefined>;
function unlessRefused<T>(work: () => T): T | undefined;
function unlessRefused<T>(work: () => T | Promise<T>): T | undefined | Promise<T | undefined> {
  const refused = (error: unknown): undefined => {
    const known = storeFailure(error, 'keep a part');
    if (systemCode(error) === undefined && !(known instanceof PortkitError)) throw error;
  };
  try {
    const done = work();
    return done instanceof Promise ? done.catch(refused) : done;
  } catch (error) {
    return refused(error);
  }
}
