import { createHash } from 'node:crypto';
import { digestFromHex } from '../../base/digest.ts';
import { PortkitError } from '../../base/errors.ts';
import type { Descriptor } from '../../oci/model/descriptor.ts';
import type { ImageManifest } from '../../oci/model/manifest.ts';
import { kindOf } from '../../oci/model/media-types.ts';
import type { Source } from '../../oci/model/ports.ts';
import { readManifest } from '../../oci/model/read.ts';
import type { Examined } from '../copies/sealed.ts';
import type { Chosen } from '../model/paths.ts';
import { entryOf, tagOf } from './variant-manifest.ts';

/** The manifest of a variant, in the index of its version or under its own tag; the form that is configured comes first. */
export async function findVariant(
  { source, isIndexed }: { readonly source: Source; readonly isIndexed: boolean },
  chosen: Chosen,
  signal: AbortSignal,
): Promise<ImageManifest | undefined> {
  const inIndex = async () => {
    const root = await source.resolve(chosen.artifact.reference.version, signal);
    if (root === undefined || kindOf(root.mediaType) !== 'index') return undefined;
    const index = await readManifest(source, root, signal);
    return index.kind === 'index' ? entryOf(chosen.variant.selector, index) : undefined;
  };
  const tagged = () => source.resolve(tagOf(chosen), signal);
  const [first, second] = isIndexed ? [inIndex, tagged] : [tagged, inIndex];
  const descriptor = (await first()) ?? (await second());
  if (descriptor === undefined) return undefined;
  const manifest = await readManifest(source, descriptor, signal);
  if (manifest.kind === 'manifest') return manifest;
  throw new PortkitError('PK4004', `${descriptor.digest} of ${source.shown} is an index, and no manifest of a variant`);
}

/** The bytes of a blob; instead of ending it throws PK3910 when they are not what the manifest says. */
export async function* blamed(
  source: Source,
  descriptor: Descriptor,
  { place, signal }: { readonly place: string; readonly signal: AbortSignal },
): AsyncGenerator<Uint8Array> {
  const content = await damaged(() => source.fetch(descriptor, signal), place);
  const chunks = content[Symbol.asyncIterator]();
  try {
    for (;;) {
      const { done, value } = await damaged(() => chunks.next(), place);
      if (done === true) return;
      yield value;
    }
  } finally {
    await chunks.return?.();
  }
}

/** Names what is damaged when it is not what it should be. */
export async function damaged<T>(work: () => Promise<T>, place: string): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof PortkitError) || error.code !== 'PK4003') throw error;
    throw new PortkitError('PK3910', `${place} is damaged: ${error.message}`, {
      hint: 'It was not used: push the variant again from where it is whole',
      cause: error,
    });
  }
}

/** Reads a blob to its end. Of a damaged one the facts are those of what came. */
export async function examineBlob(source: Source, descriptor: Descriptor, signal: AbortSignal): Promise<Examined> {
  const hash = createHash('sha256');
  let size = 0;
  const facts = () => ({ digest: digestFromHex(hash.digest('hex')), size });
  try {
    for await (const chunk of await source.fetch(descriptor, signal)) {
      hash.update(chunk);
      size += chunk.length;
    }
    return { state: 'whole', ...facts() };
  } catch (error) {
    if (!(error instanceof PortkitError) || error.code !== 'PK4003') throw error;
    return { state: 'damaged', why: error.message, ...facts() };
  }
}
