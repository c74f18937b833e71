import { byteString } from '../../base/byte-string.ts';
import { PortkitError } from '../../base/errors.ts';
import type { TarEntry } from '../../formats/tar/entry.ts';
import { writeTar } from '../../formats/tar/write.ts';
import type { Descriptor } from '../model/descriptor.ts';
import type { OciDigest } from '../model/digest.ts';
import { kindOf } from '../model/media-types.ts';
import type { BlobReader } from '../model/ports.ts';
import { produceIndex } from '../model/produce.ts';
import { bytesSource, readManifest } from '../model/read.ts';
import { successors } from '../model/successors.ts';
import { inOrder } from './entries.ts';
import { blobPath, mark } from './files.ts';

/** As many blobs as an archive is made of. */
const most = 200_000;

/**
 * The one tar of a layout with these roots and everything below them: names in order, no times, no owners. A root is
 * called what its annotation `org.opencontainers.image.ref.name` says.
 */
export async function* writeArchive(
  { source, roots }: { readonly source: BlobReader; readonly roots: readonly Descriptor[] },
  signal: AbortSignal,
): AsyncGenerator<Uint8Array> {
  const blobs = new Map<OciDigest, Descriptor>();
  for (const root of roots) await gather({ source, blobs }, root, signal);
  yield* writeTar(entries({ source, roots, blobs }, signal), signal);
}

/** Notes what a descriptor leads to; what was noted as a blob is looked into when it is also named as a document. */
async function gather(
  known: { readonly source: BlobReader; readonly blobs: Map<OciDigest, Descriptor> },
  root: Descriptor,
  signal: AbortSignal,
): Promise<void> {
  const { source, blobs } = known;
  const waiting = [root];
  for (let one = waiting.pop(); one !== undefined; one = waiting.pop()) {
    const isDocument = kindOf(one.mediaType) !== 'blob';
    const there = blobs.get(one.digest);
    if (there !== undefined && (!isDocument || kindOf(there.mediaType) !== 'blob')) continue;
    blobs.set(one.digest, one);
    if (blobs.size > most) throw new PortkitError('PK4006', `${root.digest} leads to more than ${most} blobs`);
    if (isDocument) waiting.push(...successors(await readManifest(source, one, signal)));
  }
}

interface Parts {
  readonly source: BlobReader;
  readonly roots: readonly Descriptor[];
  readonly blobs: ReadonlyMap<OciDigest, Descriptor>;
}

function* entries({ source, roots, blobs }: Parts, signal: AbortSignal): Generator<TarEntry> {
  const sorted = [...blobs.values()].toSorted((a, b) => (a.digest < b.digest ? -1 : 1));
  yield folder('blobs');
  let algorithm = '';
  for (const blob of sorted) {
    const its = blob.digest.slice(0, 6);
    if (its !== algorithm) yield folder(`blobs/${its}`);
    algorithm = its;
    yield file(blobPath(blob.digest), blob.size, fetched(source, blob, signal));
  }
  const { bytes } = produceIndex({ manifests: inOrder(roots) });
  yield file('index.json', bytes.length, bytesSource(bytes).open(signal));
  yield file('oci-layout', mark.length, bytesSource(Buffer.from(mark)).open(signal));
}

async function* fetched(source: BlobReader, blob: Descriptor, signal: AbortSignal): AsyncGenerator<Uint8Array> {
  yield* await source.fetch(blob, signal);
}

const plain = { uid: 0, gid: 0, mtime: { seconds: 0, nanos: 0 }, xattrs: [] };

function folder(path: string): TarEntry {
  return { ...plain, path: byteString(path), mode: 0o755, type: 'dir' };
}

function file(path: string, size: number, content: AsyncIterable<Uint8Array>): TarEntry {
  return { ...plain, path: byteString(path), mode: 0o644, type: 'file', size, content };
}
