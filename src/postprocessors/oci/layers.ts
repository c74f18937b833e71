import { archived } from '../../artifacts/archived.ts';
import type { Digest } from '../../base/digest.ts';
import { PortkitError } from '../../base/errors.ts';
import type { Ref } from '../../base/ref.ts';
import { compress } from '../../formats/compression/compress.ts';
import { writeTar } from '../../formats/tar/write.ts';
import type { OciLayer } from '../../graph/postprocess-ops.ts';
import type { Annotations, Descriptor } from '../../oci/model/descriptor.ts';
import { isMediaType, mediaTypes } from '../../oci/model/media-types.ts';
import { listTree } from '../../store/trees/list.ts';
import type { LayoutWorld, StoredBlob } from '../layout-tree.ts';
import { layerPath, titleAnnotation } from './title.ts';

/** A layer as its manifest names it; its blob is in the store. */
export interface Layer {
  readonly descriptor: Descriptor;
  readonly blob: StoredBlob;
}

/** What a layer is made of. */
export type LayerRequest = Omit<OciLayer, 'from'> & { readonly input: Ref };

const tarTypes = { none: mediaTypes.layerTar, gzip: mediaTypes.layerGzip, zstd: mediaTypes.layerZstd } as const;

/** Where layers are made; a tree that was packed before is not packed again. */
interface LayerWorld extends LayoutWorld {
  readonly tars: Map<string, StoredBlob>;
}

/** A layer: a file is taken as it is, a tree as one tar. */
export async function layerOf(request: LayerRequest, world: LayerWorld): Promise<Layer> {
  const { input, name, compress: format, annotations } = request;
  if (input.kind === 'blob' && format !== undefined) {
    throw new PortkitError('PK4101', `The layer ${JSON.stringify(name)} is a file, which is packed as it is`, {
      hint: `A step of type compress makes it smaller; ${format} here is for trees`,
    });
  }
  const blob = input.kind === 'blob' ? await storedBlob(input.digest, world) : await tarOf(input.digest, format, world);
  const usual = input.kind === 'blob' ? 'application/octet-stream' : tarTypes[format ?? 'none'];
  const mediaType = checkedType(request.mediaType ?? usual);
  const title = { ...annotations, [titleAnnotation]: layerPath(name) };
  return { blob, descriptor: descriptorOf(blob, mediaType, title) };
}

/** A blob of the store with its size. */
export async function storedBlob(digest: Digest, { blobs, signal }: LayoutWorld): Promise<StoredBlob> {
  const info = await blobs.stat(digest, signal);
  if (info === undefined) throw new PortkitError('PK2002', `The blob ${digest} is not in the store`);
  return { digest, size: info.size };
}

/** A blob of the store as manifests name it. */
export function descriptorOf({ digest, size }: StoredBlob, mediaType: string, annotations?: Annotations): Descriptor {
  return { mediaType, digest: `sha256:${digest.slice('sha256:'.length)}`, size, ...(annotations && { annotations }) };
}

/** A media type that registries take (PK4101). */
export function checkedType(mediaType: string): string {
  if (isMediaType(mediaType)) return mediaType;
  throw new PortkitError('PK4101', `${JSON.stringify(mediaType.slice(0, 200))} is no media type`, {
    hint: 'A media type is written like application/vnd.example.kernel.v1+json',
  });
}

async function tarOf(tree: Digest, format: OciLayer['compress'], { blobs, signal, tars }: LayerWorld): Promise<StoredBlob> {
  const key = `${tree} ${format ?? ''}`;
  const known = tars.get(key);
  if (known !== undefined) return known;
  const tar = writeTar(archived(listTree(tree, { blobs, signal }), blobs, signal), signal);
  const made = await blobs.write(format === undefined ? tar : compress(tar, { format }, signal), signal);
  tars.set(key, made);
  return made;
}
