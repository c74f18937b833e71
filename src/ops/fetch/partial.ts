import { constants } from 'node:fs';
import { open, rm } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import { systemCode } from '../../base/errors.ts';

/** What the server said about the bytes, so that a later request can ask for the rest of the same ones. */
export interface Entity {
  /** A strong ETag, else Last-Modified. */
  readonly validator?: string;
  readonly total?: number;
}

/**
 * A file that is still coming. It has the entity in a header of its own, so that bytes and entity can never be of two
 * different answers; a new beginning is a new inode, so that processes which fetch the same never cut each other's bytes.
 * What it holds is only believed after its checksum was right.
 */
export interface PartialFile extends AsyncDisposable {
  readonly received: number;
  readonly entity: Entity;
  restart(entity: Entity): Promise<void>;
  append(chunk: Uint8Array): Promise<void>;
  content(signal: AbortSignal): AsyncIterable<Uint8Array>;
  remove(): Promise<void>;
}

const headerSize = 1024;
const chunkSize = 1 << 18;
const none: Entity = {};

/** Opens what an earlier attempt left under this name, or begins anew. */
export async function openPartial(folder: string, name: string): Promise<PartialFile> {
  const path = join(folder, `${name}.part`);
  let handle = await openExisting(path);
  let entity = handle && (await readEntity(handle));
  let received = handle === undefined || entity === undefined ? 0 : Math.max(0, (await handle.stat()).size - headerSize);
  return {
    get received() {
      return received;
    },
    get entity() {
      return entity ?? none;
    },
    async restart(next) {
      await handle?.close();
      handle = await create(path);
      entity = next;
      received = 0;
      await writeAt(handle, Buffer.from(JSON.stringify(next).padEnd(headerSize)), 0);
    },
    async append(chunk) {
      if (handle === undefined) throw new Error('A partial file is begun before it grows');
      await writeAt(handle, chunk, headerSize + received);
      received += chunk.length;
    },
    async *content(signal) {
      if (handle === undefined) return;
      for (let at = 0; at < received;) {
        signal.throwIfAborted();
        const wanted = Math.min(chunkSize, received - at);
        const { buffer, bytesRead } = await handle.read(Buffer.allocUnsafe(wanted), 0, wanted, headerSize + at);
        if (bytesRead === 0) return;
        yield buffer.subarray(0, bytesRead);
        at += bytesRead;
      }
    },
    remove: () => rm(path, { force: true }),
    async [Symbol.asyncDispose]() {
      await handle?.close();
    },
  };
}

async function openExisting(path: string): Promise<FileHandle | undefined> {
  try {
    return await open(path, constants.O_RDWR | constants.O_NOFOLLOW);
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return undefined;
    throw error;
  }
}

/** A new file in the place of the old; another process that does the same may be faster a few times. */
async function create(path: string): Promise<FileHandle> {
  for (let attempt = 1; ; attempt += 1) {
    await rm(path, { force: true });
    try {
      return await open(path, 'wx+', 0o600);
    } catch (error) {
      if (systemCode(error) !== 'EEXIST' || attempt === 10) throw error;
    }
  }
}

async function writeAt(handle: FileHandle, bytes: Uint8Array, position: number): Promise<void> {
  for (let done = 0; done < bytes.length;) {
    done += (await handle.write(bytes, done, bytes.length - done, position + done)).bytesWritten;
  }
}

/** The entity of a file, or undefined when its header is not one that was written here. */
async function readEntity(handle: FileHandle): Promise<Entity | undefined> {
  const { buffer, bytesRead } = await handle.read(Buffer.alloc(headerSize), 0, headerSize, 0);
  if (bytesRead < headerSize) return undefined;
  try {
    const value: unknown = JSON.parse(buffer.toString('utf8'));
    if (typeof value !== 'object' || value === null) return undefined;
    const validator = 'validator' in value && typeof value.validator === 'string' ? value.validator : undefined;
    const total = 'total' in value && typeof value.total === 'number' ? value.total : undefined;
    return { ...(validator === undefined ? {} : { validator }), ...(total === undefined ? {} : { total }) };
  } catch {
    return undefined;
  }
}
