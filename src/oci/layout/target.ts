import { PortkitError } from '../../base/errors.ts';
import type { Descriptor } from '../model/descriptor.ts';
import { isOciDigest } from '../model/digest.ts';
import type { Manifest } from '../model/manifest.ts';
import { kindOf } from '../model/media-types.ts';
import type { BlobSource, Target } from '../model/ports.ts';
import { reproduceIndex } from '../model/reproduce.ts';
import { bytesSource, isSound, readManifest, verified } from '../model/read.ts';
import { successors } from '../model/successors.ts';
import { entryName, withManifest, withoutTag, withTag } from './entries.ts';
import type { Entries } from './entries.ts';
import { blobPath, mark } from './files.ts';
import type { LayoutSource, WritableFiles } from './files.ts';
import { layoutSource, readIndex } from './source.ts';

/** A layout that can be read and written. */
export type LayoutTarget = LayoutSource & Target;

/** What can be a name (image-spec, annotations.md), or a tag. */
const names = /^[A-Za-z0-9_][A-Za-z0-9._:@/+-]{0,254}$/;

/** The layout that these files are, or that begins with the first thing that is pushed. */
export function layoutTarget(files: WritableFiles): LayoutTarget {
  const source = layoutSource(files, { isNew: true });

  /** Rewrites `index.json` in one step; two writers do so one after the other. */
  function change(work: (entries: Entries) => Entries | Promise<Entries>, signal: AbortSignal): Promise<void> {
    return files.alone(async () => {
      const index = await readIndex(files, { isNew: true }, signal);
      const manifests = await work(index?.manifests ?? []);
      const { bytes } = reproduceIndex(index, manifests);
      // The mark before the index: what only has the mark is still to be made.
      if ((await files.size('oci-layout', signal)) === undefined) {
        await files.put('oci-layout', bytesSource(Buffer.from(mark)).open(signal), signal);
      }
      await files.put('index.json', bytesSource(bytes).open(signal), signal);
    }, signal);
  }

  async function refersToSomething(entry: Descriptor, signal: AbortSignal): Promise<boolean> {
    return kindOf(entry.mediaType) !== 'blob' && (await readManifest(source, entry, signal)).subject !== undefined;
  }

  /** The entries that a manifest leads to, so that the list need not. */
  async function found(manifest: Manifest, entries: Entries, signal: AbortSignal): Promise<Entries> {
    const inner = new Set(manifest.kind === 'index' ? manifest.manifests.map(({ digest }) => digest) : []);
    const led: Descriptor[] = [];
    for (const entry of entries) {
      const isInner = inner.has(entry.digest) && entryName(entry) === undefined;
      if (isInner && !(await refersToSomething(entry, signal))) led.push(entry);
    }
    return led;
  }

  /** A document that is there; undefined for bytes that are another's, which are there to be replaced. */
  async function document(descriptor: Descriptor, signal: AbortSignal): Promise<Manifest | undefined> {
    try {
      return await readManifest(source, descriptor, signal);
    } catch (error) {
      if (error instanceof PortkitError && error.code === 'PK4003') return undefined;
      throw error;
    }
  }

  /**
   * A document is only there with all that it names: some programs write it first, and may have been killed then. Of what
   * refers to something, only the list knows, which a writer that was killed may not have come to.
   */
  async function isWhole(descriptor: Descriptor, signal: AbortSignal): Promise<boolean> {
    if (!(await source.exists(descriptor, signal))) return false;
    if (kindOf(descriptor.mediaType) === 'blob') return true;
    const manifest = await document(descriptor, signal);
    if (manifest === undefined) return false;
    for (const one of successors(manifest)) if (!(await isWhole(one, signal))) return false;
    return manifest.subject === undefined || (await source.roots(signal)).some(({ digest }) => digest === descriptor.digest);
  }

  /** Takes a blob in as a file, where that can be done. */
  async function adopted(
    path: string,
    { digest, size }: Descriptor,
    { content, signal }: { readonly content: BlobSource; readonly signal: AbortSignal },
  ): Promise<boolean> {
    const { asFile } = content;
    if (asFile === undefined || files.adopt === undefined) return false;
    return files.adopt(path, { digest, size, signal, asFile: (beside, use) => asFile(beside, signal, use) });
  }

  return {
    ...source,
    exists: isWhole,
    async push(descriptor, content, signal) {
      const path = blobPath(descriptor.digest);
      // Of the right size, it may still be damaged: what is pushed is right afterwards.
      const existed = (await files.size(path, signal)) === descriptor.size && (await isSound(source, descriptor, signal));
      const bytes = () => (content.isVerified === true ? content.open(signal) : verified(content.open(signal), descriptor));
      if (!existed && !(await adopted(path, descriptor, { content, signal }))) await files.put(path, bytes(), signal);
      if (kindOf(descriptor.mediaType) === 'blob') return existed ? 'existed' : 'stored';
      const manifest = await readManifest(source, descriptor, signal);
      await change(async (entries) => withManifest(entries, descriptor, await found(manifest, entries, signal)), signal);
      return existed ? 'existed' : 'stored';
    },
    async tag(descriptor, name, signal) {
      if (!names.test(name) || isOciDigest(name))
        throw new PortkitError('PK4005', `${JSON.stringify(name.slice(0, 200))} cannot name a manifest`);
      if (!(await source.exists(descriptor, signal))) {
        throw new PortkitError('PK4001', `${descriptor.digest} is not in ${files.shown}, and cannot be named`);
      }
      await change(async (entries) => {
        const before = entries.filter((entry) => entryName(entry) === name);
        const referring: Descriptor[] = [];
        for (const entry of before) if (await refersToSomething(entry, signal)) referring.push(entry);
        return withTag(entries, descriptor, { name, referring });
      }, signal);
    },
    deleting: {
      async delete(name, signal) {
        const isNamed = isOciDigest(name)
          ? (entry: Descriptor) => entry.digest === name
          : (entry: Descriptor) => entryName(entry) === name;
        const listed = (await source.roots(signal)).some(isNamed);
        if (listed)
          await change(
            (entries) => (isOciDigest(name) ? entries.filter((one) => !isNamed(one)) : withoutTag(entries, name)),
            signal,
          );
        // Only now: what is listed is there.
        const removed = isOciDigest(name) && (await files.remove(blobPath(name), signal));
        return listed || removed;
      },
    },
  };
}
