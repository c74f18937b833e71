import { close, readdirSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { PortkitError, systemCode } from '../../base/errors.ts';
import type { Descriptor } from '../model/descriptor.ts';
import { hasherOf } from '../model/digest.ts';
import { kindOf } from '../model/media-types.ts';
import type { Source } from '../model/ports.ts';
import { verified } from '../model/read.ts';
import { beginPart, openPart, piecesOf, writerBehind } from './part.ts';
import type { Part } from './part.ts';

/** A source that can begin in the middle of a blob. */
export interface Resumable extends Source {
  /** The bytes from `offset` on; only their number is checked. */
  fetchFrom(descriptor: Descriptor, offset: number, signal: AbortSignal): Promise<AsyncIterable<Uint8Array>>;
}

/** Where parts are kept. */
export interface Parts {
  /** Is asked when it is first needed; undefined when nothing can be kept. */
  folder(): Promise<string | undefined>;
  /** Milliseconds, as files are dated. */
  now(): number;
  /** Smaller blobs are not worth it (8 MiB when it is not said). */
  readonly least?: number;
}

const week = 7 * 86_400_000;
const closeFile = promisify(close);

/** The same source; what comes of its large blobs outlives this process until they have come whole. */
export function resuming(source: Resumable, parts: Parts): Source {
  const { least = 8 << 20 } = parts;
  let opened: Promise<string | undefined> | undefined;
  const open = async (): Promise<string | undefined> => {
    const path = await parts.folder();
    if (path !== undefined) sweep(path, parts.now());
    return path;
  };
  return {
    ...source,
    async fetch(descriptor, signal) {
      if (descriptor.size <= least || kindOf(descriptor.mediaType) !== 'blob') return source.fetch(descriptor, signal);
      opened ??= open();
      const where = await opened;
      if (where === undefined) return source.fetch(descriptor, signal);
      const path = join(where, `${descriptor.digest.replace(':', '-')}.part`);
      const part = openPart(path);
      if (part !== undefined && (await complete(part, { source, descriptor, path }, signal)))
        return given(part, descriptor, path);
      return kept(await source.fetch(descriptor, signal), path);
    },
  };
}

interface Wanted {
  readonly source: Resumable;
  readonly descriptor: Descriptor;
  readonly path: string;
}

/** Fetches what a part lacks; whether it is the blob then. If it is not, it is gone; if nothing more came, it stays as it is. */
async function complete(part: Part, { source, descriptor, path }: Wanted, signal: AbortSignal): Promise<boolean> {
  const { digest, size } = descriptor;
  const hash = hasherOf(digest);
  const first = Math.min(part.size, size);
  const writer = writerBehind(part, first);
  try {
    for await (const piece of piecesOf(part, first)) hash.update(piece);
    for await (const chunk of await source.fetchFrom(descriptor, first, signal)) {
      hash.update(chunk);
      await writer.add(chunk);
    }
    if ((await writer.flush()) && hash.digest('hex') === digest.slice(7)) return true;
  } catch (error) {
    await writer.flush();
    await closeFile(part.fd);
    throw error;
  }
  await closeFile(part.fd);
  rmSync(path, { force: true });
  return false;
}

/** A part that is whole; it is gone when all of it was taken. */
async function* given(part: Part, descriptor: Descriptor, path: string): AsyncGenerator<Uint8Array> {
  try {
    // Others may write to it, too.
    yield* verified(piecesOf(part, descriptor.size), descriptor);
    rmSync(path, { force: true });
  } finally {
    await closeFile(part.fd);
  }
}

/** Content that is kept as it goes by, until it ends. */
async function* kept(content: AsyncIterable<Uint8Array>, path: string): AsyncGenerator<Uint8Array> {
  const part = beginPart(path);
  const writer = part && writerBehind(part, 0);
  let isOver = false;
  try {
    for await (const chunk of content) {
      await writer?.add(chunk);
      yield chunk;
    }
    isOver = true;
  } catch (error) {
    isOver = error instanceof PortkitError && error.code === 'PK4003';
    throw error;
  } finally {
    const written = await writer?.flush();
    if (part !== undefined) await closeFile(part.fd);
    if (part !== undefined && (isOver || written === false)) rmSync(path, { force: true });
  }
}

/** Removes what nobody has come back for. */
function sweep(folder: string, now: number): void {
  try {
    for (const name of readdirSync(folder)) {
      const path = join(folder, name);
      if (name.endsWith('.part') && now - statSync(path).mtimeMs > week) rmSync(path);
    }
  } catch (error) {
    // It may be gone by now, and the next one sweeps again.
    if (systemCode(error) === undefined) throw error;
  }
}
