import { PortkitError } from '../../base/errors.ts';
import { byteReader } from '../../formats/byte-reader.ts';
import type { ByteReader } from '../../formats/byte-reader.ts';
import { decompress } from '../../formats/compression/decompress.ts';
import type { Unxz } from '../../formats/compression/decompress.ts';
import { packingOf, readable } from './compression.ts';
import type { Compression } from './compression.ts';
import { headerSize, readHeader } from './header.ts';
import type { Header, Payload } from './header.ts';

/** The bytes of a kernel file, and what unpacks xz. */
export interface KernelSource {
  readonly content: AsyncIterable<Uint8Array>;
  readonly unxz: Unxz;
}

/** The kernel proper: what is in memory when it starts. */
export interface Core {
  /** ELF (the vmlinux) or an arm64 Image. */
  readonly header: Header;
  /** All of it; what stands in front of it in the file and behind is left out. */
  readonly content: AsyncIterable<Uint8Array>;
}

/** A kernel file that is open. */
export interface OpenKernel extends AsyncDisposable {
  readonly header: Header;
  /** The compression of the payload, or of the whole file. */
  readonly compression?: Compression;
  /** The kernel proper, unpacked; or why this machine cannot unpack it (PK3703, PK6901). */
  readonly core: Core | PortkitError;
}

/** No kernel unpacks to more. */
const limits = { bytes: 2 ** 30, ratio: 1000, free: 2 ** 26 };

/**
 * Opens a kernel file and the kernel in it, as one stream: nothing is kept but the beginnings. PK3701 when it is no kernel,
 * PK3702 when it is malformed, and the codes of streams (PK3303, PK3304).
 */
export async function openKernel({ content, unxz }: KernelSource, signal: AbortSignal): Promise<OpenKernel> {
  await using opened = new AsyncDisposableStack();
  const file = opened.adopt(byteReader(content), (reader) => reader.close());
  const header = readHeader(await peek(file, headerSize));
  const { container, payload } = header;
  if (container === 'elf' || container === 'arm64-image') {
    const core = { header, content: chunks(file) };
    return { header, core, [Symbol.asyncDispose]: closer(opened.move()) };
  }
  if (payload === undefined) {
    const core = new PortkitError('PK3703', 'The boot header of the kernel is too old to say where its vmlinux is');
    return { header, core, [Symbol.asyncDispose]: closer(opened.move()) };
  }
  for await (const _ of chunks(file, payload.offset));
  const compression = packingOf(await peek(file, 9));
  if (compression === undefined) throw malformed('where its compressed part should be, there is something else');
  const unpacked = opened.adopt(byteReader(unpack(file, { payload, compression, unxz, signal })), (reader) => reader.close());
  const core = await coreOf(unpacked, compression).catch((error: unknown) => {
    if (error instanceof PortkitError && (error.code === 'PK3703' || error.code === 'PK6901')) return error;
    throw error;
  });
  return { header, compression, core, [Symbol.asyncDispose]: closer(opened.move()) };
}

function closer(stack: AsyncDisposableStack): () => Promise<void> {
  return () => stack.disposeAsync();
}

async function coreOf(unpacked: ByteReader, compression: Compression): Promise<Core> {
  const header = readHeader(await peek(unpacked, headerSize));
  if (header.container === 'elf' || header.container === 'arm64-image') return { header, content: chunks(unpacked) };
  throw new PortkitError('PK3701', `Under the ${compression} is no kernel, but something that is packed once more`, {
    hint: `It begins like ${header.container}; a step of type decompress takes the outer layer off`,
  });
}

interface Unpacking {
  readonly payload: Payload;
  readonly compression: Compression;
  readonly unxz: Unxz;
  readonly signal: AbortSignal;
}

/** The payload, unpacked; it has to give as many bytes as the file says. */
async function* unpack(reader: ByteReader, { payload, compression, unxz, signal }: Unpacking): AsyncGenerator<Uint8Array> {
  const format = readable(compression);
  const behind = payload.hasSizeBehind && format !== 'gzip' ? 4 : 0;
  const size = payload.size === undefined ? Number.POSITIVE_INFINITY : payload.size - behind;
  let given = 0;
  for await (const bytes of decompress(chunks(reader, size), { format, limits, unxz }, signal)) {
    given += bytes.length;
    yield bytes;
  }
  if (behind === 0) return;
  const told = await reader.take(behind);
  if (told.length < behind || told.readUInt32LE() !== given)
    throw malformed(`its compressed part gives ${given} bytes, and is said to give another number`);
}

/** The first bytes of what a reader has still; they stay in it. */
async function peek(reader: ByteReader, size: number): Promise<Buffer> {
  const head = await reader.take(size);
  reader.putBack(head);
  return head;
}

/** The next bytes of a reader; less than a size that is given is PK3702. */
async function* chunks(reader: ByteReader, size = Number.POSITIVE_INFINITY): AsyncGenerator<Uint8Array> {
  let left = size;
  while (left > 0) {
    const bytes = await reader.some(Math.min(left, 2 ** 20));
    if (bytes.length === 0) break;
    left -= bytes.length;
    yield bytes;
  }
  if (left > 0 && Number.isFinite(left)) throw malformed('its compressed part goes beyond the end of the file');
}

function malformed(what: string): PortkitError {
  return new PortkitError('PK3702', `The kernel is malformed: ${what}`);
}
