import { PortkitError } from '../../base/errors.ts';
import type { Descriptor } from './descriptor.ts';
import { hasherOf } from './digest.ts';
import { documentLimit, parseManifest, tooLarge } from './manifest.ts';
import type { Manifest } from './manifest.ts';
import type { BlobReader, BlobSource } from './ports.ts';

/** Content that only ends when it is what its descriptor says; PK4003 otherwise, as soon as it is too long. */
export async function* verified(content: AsyncIterable<Uint8Array>, descriptor: Descriptor): AsyncGenerator<Uint8Array> {
  const { digest, size } = descriptor;
  const hash = hasherOf(digest);
  let read = 0;
  for await (const chunk of content) {
    read += chunk.length;
    if (read > size) throw wrongContent(descriptor, `it has more than ${size} bytes`);
    hash.update(chunk);
    yield chunk;
  }
  if (read !== size) throw wrongContent(descriptor, `it has ${read} bytes and not ${size}`);
  const found = hash.digest('hex');
  if (found !== digest.slice(7)) throw wrongContent(descriptor, `its digest is ${digest.slice(0, 7)}${found}`);
}

/** A document as a whole: at most 4 MiB (PK4006). */
export async function readDocument(reader: BlobReader, descriptor: Descriptor, signal: AbortSignal): Promise<Uint8Array> {
  if (descriptor.size > documentLimit) throw tooLarge(descriptor.digest);
  const chunks: Uint8Array[] = [];
  for await (const chunk of await reader.fetch(descriptor, signal)) chunks.push(chunk);
  return Buffer.concat(chunks);
}

/** The index or manifest that a descriptor points to. */
export async function readManifest(reader: BlobReader, descriptor: Descriptor, signal: AbortSignal): Promise<Manifest> {
  const raw = await readDocument(reader, descriptor, signal);
  return parseManifest(raw, { shown: descriptor.digest, mediaType: descriptor.mediaType });
}

/** Whether all of what is there is what its descriptor says: it is read to its end. */
export async function isSound(reader: BlobReader, descriptor: Descriptor, signal: AbortSignal): Promise<boolean> {
  try {
    for await (const _ of await reader.fetch(descriptor, signal));
    return true;
  } catch (error) {
    if (error instanceof PortkitError && error.code === 'PK4003') return false;
    throw error;
  }
}

/** Bytes in memory as something to push. */
export function bytesSource(bytes: Uint8Array): BlobSource {
  return {
    async *open(signal, offset = 0) {
      signal.throwIfAborted();
      if (offset < bytes.length) yield bytes.subarray(offset);
    },
  };
}

/** What is thrown for content that is not what its descriptor says. */
export function wrongContent({ digest }: Descriptor, why: string): PortkitError {
  return new PortkitError('PK4003', `The content of ${digest} is not what was asked for: ${why}`);
}
