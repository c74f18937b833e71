import { byteString } from '../../src/base/byte-string.ts';
import { digestOf } from '../../src/base/digest.ts';
import { encodeEntry, padding } from '../../src/formats/tar/encode.ts';
import type { Descriptor } from '../../src/oci/model/descriptor.ts';
import { mediaTypes } from '../../src/oci/model/media-types.ts';
import type { Target } from '../../src/oci/model/ports.ts';
import { describe, produceIndex, produceManifest } from '../../src/oci/model/produce.ts';
import type { Produced } from '../../src/oci/model/produce.ts';
import { bytesSource } from '../../src/oci/model/read.ts';

const { signal } = new AbortController();

/** Puts a document or blob somewhere. */
export async function put(target: Target, { descriptor, bytes }: Produced): Promise<Descriptor> {
  await target.push(descriptor, bytesSource(bytes), signal);
  return descriptor;
}

/** Puts an image for two platforms under a tag: its one file `a` says which of the two it is. */
export async function putImage(target: Target, tag: string) {
  const manifests: Descriptor[] = [];
  for (const architecture of ['amd64', 'arm64']) {
    const platform = { os: 'linux', architecture };
    const bytes = layerOf(architecture);
    const document = Buffer.from(JSON.stringify({ ...platform, rootfs: { type: 'layers', diff_ids: [digestOf(bytes)] } }));
    const config = await put(target, { descriptor: describe(document, mediaTypes.imageConfig), bytes: document });
    const layer = await put(target, { descriptor: describe(bytes, mediaTypes.layerTar), bytes });
    manifests.push({ ...(await put(target, produceManifest({ config, layers: [layer] }))), platform });
  }
  const index = await put(target, produceIndex({ manifests }));
  await target.tag(index, tag, signal);
  return { index, manifests };
}

/** A layer whose one file `a` has this content. */
export function layerOf(text: string): Buffer {
  const own = { path: byteString('a'), mode: 0o644, uid: 0, gid: 0, mtime: { seconds: 0, nanos: 0 }, xattrs: [] };
  const file = { ...own, type: 'file', size: text.length, content: ReadableStream.from([Buffer.from(text)]) } as const;
  return Buffer.concat([encodeEntry(file), Buffer.from(text), padding(text.length), Buffer.alloc(1024)]);
}
