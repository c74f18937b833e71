import { join } from 'node:path';
import { hexOf } from '../../base/digest.ts';
import { PortkitError } from '../../base/errors.ts';
import { entryName } from '../../oci/layout/entries.ts';
import { checkMark } from '../../oci/layout/source.ts';
import type { Descriptor, Platform } from '../../oci/model/descriptor.ts';
import { documentLimit } from '../../oci/model/manifest.ts';
import type { ImageManifest } from '../../oci/model/manifest.ts';
import { servesPlatform, showPlatform } from '../../oci/model/platform.ts';
import { WrongContent, checked } from '../fetch/checksum.ts';
import { readRegularFile } from '../regular-file.ts';
import { malformedImage, ofImage, parseDocument, sha256Of } from './documents.ts';

/** A blob by its digest, which may be all that is known of it. */
export interface WantedBlob {
  readonly digest: string;
  readonly size?: number;
  readonly mediaType?: string;
}

/** Gives the content of blobs; content that ends is what was asked for. */
export interface ImageBlobs {
  open(blob: WantedBlob): AsyncIterable<Uint8Array>;
}

const layerLimit = 64 * 2 ** 30;
const deepest = 4;

/** The blobs of a layout directory (OCI image-spec, image-layout.md). */
export function layoutBlobs(directory: string): ImageBlobs {
  return {
    async *open({ digest, size }) {
      const hex = hexOf(sha256Of(digest, 'the image'));
      const rules = { shown: `the blob ${digest} of the image`, maxSize: size ?? layerLimit };
      let read = 0;
      try {
        for await (const chunk of checked(readRegularFile(join(directory, 'blobs/sha256', hex), rules), {
          algorithm: 'sha256',
          hex,
        })) {
          read += chunk.length;
          yield chunk;
        }
      } catch (error) {
        if (!(error instanceof WrongContent)) throw error;
        throw new PortkitError('PK3202', `A blob of the image is not ${digest}`, { cause: error });
      }
      if (size !== undefined && read !== size) throw malformedImage(`${digest} has ${read} bytes and not ${size}`);
    },
  };
}

/** What the index of a layout holds. */
export async function readLayoutIndex(directory: string): Promise<readonly Descriptor[]> {
  const read = async (name: string) =>
    gather(readRegularFile(join(directory, name), { shown: `${name} of the image layout`, maxSize: documentLimit }));
  const mark = await read('oci-layout');
  ofImage(() => checkMark(mark, 'the image'));
  const index = parseDocument(await read('index.json'), 'index.json');
  if (index.kind !== 'index') throw malformedImage('index.json is no index');
  return index.manifests;
}

/** The manifest of a layout that has this name, or the only one without any; of several, the one for the platform. */
export function pickManifest(
  manifests: readonly Descriptor[],
  { reference, platform }: { readonly reference: string; readonly platform: Platform },
): Descriptor {
  const named = manifests.filter((one) => entryName(one) === reference);
  const nameless = manifests.every((one) => entryName(one) === undefined);
  const meant = named.length === 0 && nameless ? manifests : named;
  const serving = meant.filter((one) => one.platform !== undefined && servesPlatform(one.platform, platform));
  const [only, ...others] = meant.length > 1 ? serving : meant;
  if (only !== undefined && others.length === 0) return only;
  const there = manifests
    .slice(0, 20)
    .map((one) => `${entryName(one) ?? one.digest} ${one.platform === undefined ? '' : showPlatform(one.platform)}`.trim());
  throw new PortkitError(
    'PK3203',
    `The image layout has not exactly one ${JSON.stringify(reference.slice(0, 200))} for ${showPlatform(platform)}`,
    {
      hint: `It has: ${there.join(', ')}`,
    },
  );
}

/** The image manifest for a platform that a digest leads to, through indexes. */
export async function findManifest(
  blobs: ImageBlobs,
  { start, platform }: { readonly start: WantedBlob; readonly platform: Platform },
): Promise<{ readonly digest: string; readonly manifest: ImageManifest }> {
  let at = start;
  for (let depth = 0; depth < deepest; depth += 1) {
    const document = parseDocument(await readDocument(blobs, at), at.digest);
    if (document.kind === 'manifest') return { digest: at.digest, manifest: document };
    const { manifests } = document;
    const next = manifests.find((one) => one.platform !== undefined && servesPlatform(one.platform, platform));
    if (next === undefined) {
      const there = manifests.slice(0, 20).map((one) => (one.platform === undefined ? 'unknown' : showPlatform(one.platform)));
      throw new PortkitError('PK3203', `The image has no ${showPlatform(platform)}`, { hint: `It has: ${there.join(', ')}` });
    }
    at = next;
  }
  throw malformedImage('its indexes are too deep');
}

/** A small blob as a whole. */
export async function readDocument(blobs: ImageBlobs, blob: WantedBlob): Promise<Buffer> {
  if ((blob.size ?? 0) > documentLimit) throw malformedImage(`the document ${blob.digest} is too large`);
  return gather(blobs.open(blob));
}

async function gather(content: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of content) {
    size += chunk.length;
    if (size > documentLimit) throw malformedImage('a document is too large');
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}
