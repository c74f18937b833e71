import { malformed, refused, tooMuch } from '../archive-errors.ts';
import { byteReader, remaining } from '../byte-reader.ts';
import type { ByteReader } from '../byte-reader.ts';
import { compressionOf, decompressMember } from '../compression/decompress.ts';
import type { CompressedFormat, DecompressHelp } from '../compression/decompress.ts';
import type { TarLimits } from '../tar/entry.ts';
import { readArchive } from './archive.ts';
import type { Reading } from './archive.ts';
import type { CpioEntry } from './entry.ts';

/** What a cpio may cost, and what its compressed parts need. */
export interface CpioHelp extends DecompressHelp {
  readonly archive: TarLimits;
  /** Hears how each compressed part is compressed. */
  readonly onCompressed?: (format: CompressedFormat) => void;
}

/** Compressed parts that one file may have. */
const mostCompressed = 100;
/** Zeros that may stand between archives, all together. */
const mostZeros = 2 ** 24;
const zeros = Buffer.alloc(2 ** 16);

/**
 * The entries of an initramfs: archives ("newc", with or without checksums) one behind the other, zeros between them, each
 * compressed or not, as Linux unpacks them; what stands behind an xz stream belongs to it. Every path once, directories
 * excepted. Each entry is checked before it is handed out, and what is doubtful is refused: see archive-names.ts for paths.
 * Names of a hard-linked file that stand before its content are handed out right behind it.
 */
export async function* readCpio(
  source: AsyncIterable<Uint8Array>,
  help: CpioHelp,
  signal: AbortSignal,
): AsyncGenerator<CpioEntry> {
  const reader = byteReader(source);
  const reading: Reading = {
    known: { types: new Map(), limits: help.archive, otherLinks: 'none' },
    limits: help.archive,
    spent: { headers: 0, bytes: 0, metadata: 0, zeros: 0 },
  };
  let compressed = 0;
  try {
    for (;;) {
      const head = await nextHead(reader, reading, signal);
      const where = `byte ${reader.offset}`;
      if (head === undefined && reading.spent.headers === 0) throw malformed(where, 'it holds no archive');
      if (head === undefined) return;
      const format = compressionOf(head);
      if (format !== undefined) {
        compressed += 1;
        help.onCompressed?.(format);
      }
      if (compressed > mostCompressed) throw tooMuch(where, `more than ${mostCompressed} compressed parts`);
      if (format === undefined) yield* readArchive(reader, reading, signal);
      else yield* readCompressed(decompressMember(reader, { ...help, format }, signal), reading, signal);
    }
  } finally {
    await reader.close();
  }
}

/** Whether a stream begins as a cpio of any form does, and the stream from its beginning. */
export async function detectCpio(
  source: AsyncIterable<Uint8Array>,
): Promise<{ readonly cpio: boolean; readonly content: AsyncGenerator<Uint8Array> }> {
  const reader = byteReader(source);
  const head = await reader.take(5);
  reader.putBack(head);
  return { cpio: head.toString('latin1') === '07070', content: remaining(reader) };
}

/** All archives within one compressed part. */
async function* readCompressed(
  content: AsyncIterable<Uint8Array>,
  reading: Reading,
  signal: AbortSignal,
): AsyncGenerator<CpioEntry> {
  const reader = byteReader(content);
  const before = reading.spent.headers;
  try {
    for (;;) {
      const head = await nextHead(reader, reading, signal);
      if (head === undefined && reading.spent.headers === before)
        throw malformed(`byte ${reader.offset} of a compressed part`, 'it holds no archive');
      if (head === undefined) return;
      if (compressionOf(head) !== undefined)
        throw refused(`byte ${reader.offset} of a compressed part`, 'it is compressed twice');
      yield* readArchive(reader, reading, signal);
    }
  } finally {
    await reader.close();
  }
}

/** Passes over zeros; the bytes that something begins with, left in the reader, or undefined at the end. */
async function nextHead(reader: ByteReader, { spent }: Reading, signal: AbortSignal): Promise<Buffer | undefined> {
  for (;;) {
    signal.throwIfAborted();
    const bytes = await reader.some(zeros.length);
    if (bytes.length === 0) return undefined;
    const empty = bytes.equals(zeros.subarray(0, bytes.length));
    const at = empty ? bytes.length : bytes.findIndex((byte) => byte !== 0);
    spent.zeros += at;
    if (spent.zeros > mostZeros) throw tooMuch(`byte ${reader.offset}`, `more than ${mostZeros} zeros between archives`);
    if (empty) continue;
    reader.putBack(bytes.subarray(at));
    const head = await reader.take(6);
    reader.putBack(head);
    return head;
  }
}
