import type { Digest } from '../../base/digest.ts';
import { PortkitError } from '../../base/errors.ts';
import { decompress, defaultDecompressLimits, detectCompression } from '../../formats/compression/decompress.ts';
import { readCpio } from '../../formats/cpio/read.ts';
import { readDisk } from '../../formats/disk/read.ts';
import { sectorSize } from '../../formats/disk/table.ts';
import { readExt4 } from '../../formats/ext4/read/tree.ts';
import type { FileEntry, FileTree, ImageReader } from '../../formats/file-tree.ts';
import { defaultTarLimits } from '../../formats/tar/entry.ts';
import { readTar } from '../../formats/tar/read.ts';
import { imageReaderOn } from '../../images/reader.ts';
import type { Sign } from '../../images/sign.ts';
import { headOfImage, headOfStream, signNames, signOf } from '../../images/sign.ts';
import type { DecompressWorld } from '../../ops/decompress.ts';
import { imageWriterOn, openScratch } from '../../ops/scratch-file.ts';
import type { LayoutWorld } from '../layout-tree.ts';
import type { Files } from './files.ts';
import { openBlob } from './files.ts';
import type { NamedEntry } from './names.ts';
import { contentAt, namesOf } from './names.ts';

/** What looking into files takes. */
export interface ImageWorld extends LayoutWorld, DecompressWorld {
  /** The folder where an image is while it is read here and there. */
  readonly scratch: () => string;
}

/** Forms that have files in them which cannot be listed here. */
const closed: readonly Sign[] = ['squashfs', 'erofs', 'vfat', 'gzip', 'zstd', 'xz', 'lz4'];

/** A tree in a file: the file as a whole, or a partition of a disk. */
export interface Contained {
  /** The number of the partition. */
  readonly partition?: number;
  /** Its files; undefined for what has none. What cannot be read is an error. */
  readonly files: () => Promise<Files | undefined>;
}

/**
 * What is in a tar, cpio, ext4 image or disk with partitions, compressed or not; nothing for what is none of these. It is never
 * in memory as a whole: of an archive only names are kept, and it is read once more for the files that are wanted.
 */
export async function containedIn(blob: Digest, world: ImageWorld, held: DisposableStack): Promise<readonly Contained[]> {
  const { unxz, signal } = world;
  const help = { limits: defaultDecompressLimits, unxz };
  const { format, content } = await detectCompression(await openBlob(blob, world));
  await content.return(undefined);
  async function* plain(): AsyncGenerator<Uint8Array> {
    yield* await openBlob(blob, world);
  }
  const unpacked = (): AsyncIterable<Uint8Array> =>
    format === undefined ? plain() : decompress(plain(), { ...help, format }, signal);
  const sign = signOf(await headOfStream(unpacked()));
  if (sign === 'tar') return [{ files: () => archiveFiles(() => readTar(unpacked(), defaultTarLimits, signal), signal) }];
  if (sign === 'cpio')
    return [{ files: () => archiveFiles(() => readCpio(plain(), { ...help, archive: defaultTarLimits }, signal), signal) }];
  if (sign === 'gpt' || sign === 'ext4') {
    const fd = await onScratch(unpacked(), world, held);
    const whole = imageReaderOn(fd);
    return sign === 'ext4'
      ? [{ files: () => treeFilesOf(readExt4(whole, { signal }), signal) }]
      : partitionsOf(fd, whole, signal);
  }
  refuseClosed(sign);
  return [];
}

function refuseClosed(sign: Sign): void {
  if (closed.includes(sign)) throw new PortkitError('PK3302', `The files in ${signNames[sign]} are not read`);
}

function partitionsOf(fd: number, disk: ImageReader, signal: AbortSignal): readonly Contained[] {
  return readDisk(disk).partitions.map(({ number, first, last }) => ({
    partition: number,
    async files() {
      const image = imageReaderOn(fd, { at: first * sectorSize, size: (last - first + 1) * sectorSize });
      const sign = signOf(headOfImage(image));
      if (sign === 'ext4') return treeFilesOf(readExt4(image, { signal }), signal);
      refuseClosed(sign);
      return undefined;
    },
  }));
}

async function archiveFiles(entries: () => AsyncIterable<NamedEntry>, signal: AbortSignal): Promise<Files> {
  const names = await namesOf(entries(), signal);
  return {
    ...names,
    async read(wanted) {
      const left = new Map(wanted);
      if (left.size === 0) return;
      let at = -1;
      for await (const entry of entries()) {
        if (entry.type !== 'file') continue;
        at += 1;
        const name = contentAt(at);
        const use = left.get(name);
        if (use === undefined || entry.content === undefined) continue;
        await use(entry.content);
        left.delete(name);
        if (left.size === 0) return;
      }
    },
  };
}

async function treeFilesOf({ entries, contents }: FileTree, signal: AbortSignal): Promise<Files> {
  const files = entries.filter((entry) => entry.type === 'file');
  return {
    ...(await namesOf(listed(entries), signal)),
    async read(wanted) {
      for (const [at, { content }] of files.entries()) {
        const use = wanted.get(contentAt(at));
        if (use !== undefined) await use(piecesOf(contents.open(content, signal)));
      }
    },
  };
}

async function* listed(entries: readonly FileEntry[]): AsyncGenerator<NamedEntry> {
  for (const entry of entries) yield await Promise.resolve(entry.type === 'file' ? { ...entry, content: undefined } : entry);
}

async function* piecesOf(content: Uint8Array | AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  yield* content instanceof Uint8Array ? [content] : content;
}

const zeros = Buffer.alloc(2 ** 20);

/** A file without a name that has the bytes; zeros are holes in it. */
async function onScratch(
  content: AsyncIterable<Uint8Array>,
  { scratch, signal }: ImageWorld,
  held: DisposableStack,
): Promise<number> {
  const file = held.use(openScratch(scratch()));
  let size = 0;
  for await (const bytes of content) {
    signal.throwIfAborted();
    if (bytes.length > zeros.length || !zeros.subarray(0, bytes.length).equals(bytes)) file.write(bytes, size);
    size += bytes.length;
  }
  imageWriterOn(file).setSize(size);
  return file.fd;
}
