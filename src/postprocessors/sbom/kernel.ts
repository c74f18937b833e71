import { createHash } from 'node:crypto';
import { canonicalJson } from '../../base/canonical.ts';
import type { Digest } from '../../base/digest.ts';
import { digestFromHex, digestOf } from '../../base/digest.ts';
import { PortkitError } from '../../base/errors.ts';
import type { Unxz } from '../../formats/compression/decompress.ts';
import { inspectKernel } from '../../kernels/inspect/inspect.ts';
import type { KernelFound } from './inventory.ts';

/** What a kernel says of itself; undefined for a file that is none, or none that can be read. */
export async function kernelIn(
  content: AsyncIterable<Uint8Array>,
  { signal, unxz }: { readonly signal: AbortSignal; readonly unxz: Unxz },
): Promise<KernelFound | undefined> {
  let missing: PortkitError | undefined;
  // Without xz, less would be found, and be taken for all there is.
  async function* remembering(...args: Parameters<Unxz>): AsyncGenerator<Uint8Array> {
    try {
      yield* unxz(...args);
    } catch (error) {
      if (error instanceof PortkitError && error.code === 'PK6901') missing = error;
      throw error;
    }
  }
  const hashed = hashing(content);
  try {
    const { version, architecture, core } = await inspectKernel({ content: hashed.content(), unxz: remembering }, signal);
    if (missing !== undefined) throw missing;
    const release = /^[\w.+~-]{1,200}/.exec(version ?? '')?.[0];
    return {
      digest: await hashed.digest(),
      ...(release !== undefined && { release }),
      ...(architecture !== undefined && { architecture }),
      ...(core?.config && { config: digestOf(canonicalJson(Object.fromEntries(core.config))) }),
    };
  } catch (error) {
    if (missing !== undefined) throw missing;
    // What the kernel is read from is damaged, and not the kernel.
    if (hashed.failed()) throw error;
    if (error instanceof PortkitError && /^PK(?:33|37)/.test(error.code)) return undefined;
    throw error;
  } finally {
    await hashed.close();
  }
}

/** The digest of all bytes of a stream. */
export async function digestOfStream(content: AsyncIterable<Uint8Array>): Promise<Digest> {
  return hashing(content).digest();
}

/** A stream whose digest is known when it was read to its end, however little of it somebody else wanted. */
function hashing(source: AsyncIterable<Uint8Array>): {
  content(): AsyncGenerator<Uint8Array>;
  digest(): Promise<Digest>;
  failed(): boolean;
  close(): Promise<void>;
} {
  const hash = createHash('sha256');
  let failed = false;
  const chunks = source[Symbol.asyncIterator]();
  async function* content(): AsyncGenerator<Uint8Array> {
    for (;;) {
      failed = true;
      const { done, value } = await chunks.next();
      failed = false;
      if (done === true) return;
      hash.update(value);
      yield value;
    }
  }
  return {
    content,
    async digest() {
      for await (const _ of content());
      return digestFromHex(hash.digest('hex'));
    },
    failed: () => failed,
    async close() {
      await chunks.return?.();
    },
  };
}
