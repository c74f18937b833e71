import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { tmpdir } from 'node:os';
import { PortkitError } from '../../base/errors.ts';
import { systemReason } from '../../base/system-reason.ts';
import { digestFromHex } from '../../base/digest.ts';
import { parseOciDigest } from '../../oci/model/digest.ts';
import type { OciDigest } from '../../oci/model/digest.ts';
import { openScratch, piecesOf } from '../../ops/scratch-file.ts';
import type { BlobSource } from '../../oci/model/ports.ts';

/** Content that was taken from a file or standard input. */
interface TakenContent extends Disposable {
  readonly digest: OciDigest;
  readonly size: number;
  readonly source: BlobSource;
}

/** All of a file, or of standard input for `-`: kept in TMPDIR until it is disposed, so that it stays what was hashed. */
export async function takeInput(file: string, signal: AbortSignal): Promise<TakenContent> {
  const held = new DisposableStack();
  try {
    const { fd, write } = held.use(openScratch(tmpdir()));
    const hash = createHash('sha256');
    let size = 0;
    for await (const chunk of inputOf(file, signal)) {
      hash.update(chunk);
      write(chunk, size);
      size += chunk.length;
    }
    return {
      digest: parseOciDigest(digestFromHex(hash.digest('hex'))),
      size,
      source: { open: (_, offset = 0) => piecesOf(fd, { at: offset, size: size - offset }) },
      [Symbol.dispose]: () => held.dispose(),
    };
  } catch (error) {
    held.dispose();
    throw error;
  }
}

async function* inputOf(file: string, signal: AbortSignal): AsyncGenerator<Uint8Array> {
  const input = file === '-' ? process.stdin : createReadStream(file, { highWaterMark: 1 << 20 });
  const stop = () => input.destroy();
  signal.addEventListener('abort', stop, { once: true });
  try {
    for await (const chunk of input) yield chunk as Buffer;
  } catch (cause) {
    throw new PortkitError('PK1004', `${file} cannot be read: ${systemReason(cause)}`, { cause });
  } finally {
    signal.removeEventListener('abort', stop);
  }
  signal.throwIfAborted();
}
