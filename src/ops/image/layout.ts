import { join } from 'node:path';
import { hexOf } from '../../base/digest.ts';
import type { Digest } from '../../base/digest.ts';
import { PortkitError } from '../../base/errors.ts';
import { WrongContent, checked } from '../fetch/checksum.ts';
import { readRegularFile } from '../regular-file.ts';
import { malformedImage, parseDocument, servesPlatform } from './documents.ts';
import type { Descriptor, Document } from './documents.ts';

/** Gives the content of blobs; content that ends is what was asked for. */
export interface ImageBlobs {
  open(blob: Pick<Descriptor, 'digest'> & { readonly size?: number }): AsyncIterable<Uint8Array>;
}

/** The largest document that is read: the size that registries must take. */
const documentLimit = 4 << 20;
const layerLimit = 64 * 2 ** 30;
const deepest = 4;

/** The blobs of a layout directory (OCI image-spec, image-layout.md). */
export function layoutBlobs(directory: string): ImageBlobs {
  return {
    async *open({ digest, size }) {
      const hex = hexOf(digest);
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
  if (!/"imageLayoutVersion"\s*:\s*"1\./.test(mark.toString('utf8')))
    throw malformedImage('its layout is of a version that is not known');
  const index = parseDocument(await read('index.json'), 'index.json');
  if (index.kind !== 'index') throw malformedImage('index.json is no index');
  return index.manifests;
}

/** The manifest of a layout that has this name, or the only one without any; of several, the one for the platform. */
export function pickManifest(
  manifests: readonly Descriptor[],
  { reference, platform }: { readonly reference: string; readonly platform: string },
): Descriptor {
  const named = manifests.filter(({ name }) => name === reference);
  const nameless = manifests.every(({ name }) => name === undefined);
  const meant = named.length === 0 && nameless ? manifests : named;
  const serving = meant.filter((one) => one.platform !== undefined && servesPlatform(one.platform, platform));
  const [only, ...others] = meant.length > 1 ? serving : meant;
  if (only !== undefined && others.length === 0) return only;
  const there = manifests.map(({ name, digest, platform: its = '' }) => `${name ?? digest} ${its}`.trim()).slice(0, 20);
  throw new PortkitError(
    'PK3203',
    `The image layout has not exactly one ${JSON.stringify(reference.slice(0, 200))} for ${platform}`,
    {
      hint: `It has: ${there.join(', ')}`,
    },
  );
}

/** The image manifest for a platform that a digest leads to, through indexes. */
export async function findManifest(
  blobs: ImageBlobs,
  { start, platform }: { readonly start: Pick<Descriptor, 'digest'> & { readonly size?: number }; readonly platform: string },
): Promise<{ readonly digest: Digest; readonly manifest: Extract<Document, { kind: 'manifest' }> }> {
  let at = start;
  for (let depth = 0; depth < deepest; depth += 1) {
    const document = parseDocument(await readDocument(blobs, at), at.digest);
    if (document.kind === 'manifest') return { digest: at.digest, manifest: document };
    const { manifests } = document;
    const next = manifests.find((one) => one.platform !== undefined && servesPlatform(one.platform, platform));
    if (next === undefined) {
      const there = manifests.map((one) => one.platform ?? 'unknown').slice(0, 20);
      throw new PortkitError('PK3203', `The image has no ${platform}`, { hint: `It has: ${there.join(', ')}` });
    }
    at = next;
  }
  throw malformedImage('its indexes are too deep');
}

/** A small blob as a whole. */
export async function readDocument(
  blobs: ImageBlobs,
  blob: Pick<Descriptor, 'digest'> & { readonly size?: number },
): Promise<Buffer> {
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
