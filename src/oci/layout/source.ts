import { PortkitError } from '../../base/errors.ts';
import type { Descriptor } from '../model/descriptor.ts';
import { isOciDigest } from '../model/digest.ts';
import type { OciDigest } from '../model/digest.ts';
import { documentLimit, parseManifest, strictJson, tooLarge } from '../model/manifest.ts';
import type { ImageIndex, Manifest } from '../model/manifest.ts';
import { kindOf } from '../model/media-types.ts';
import { describeReferrer } from '../model/produce.ts';
import { readManifest, verified } from '../model/read.ts';
import { entryName } from './entries.ts';
import type { Entries } from './entries.ts';
import { blobPath } from './files.ts';
import type { LayoutFiles, LayoutSource } from './files.ts';

/** The layout that these files are. Where none is, PK4002; a layout that is still to be made is empty. */
export function layoutSource(files: LayoutFiles, { isNew = false }: { readonly isNew?: boolean } = {}): LayoutSource {
  const { shown } = files;

  async function roots(signal: AbortSignal): Promise<Entries> {
    return (await readIndex(files, { isNew }, signal))?.manifests ?? [];
  }

  const source: LayoutSource = {
    shown,
    roots,
    async fetch(descriptor, signal) {
      const path = blobPath(descriptor.digest);
      const size = await files.size(path, signal);
      if (size === undefined) throw missing(descriptor.digest, shown);
      if (size !== descriptor.size) {
        throw new PortkitError('PK4003', `${descriptor.digest} in ${shown} has ${size} bytes and not ${descriptor.size}`);
      }
      return verified(files.open(path, signal), descriptor);
    },
    async exists({ digest, size }, signal) {
      return (await files.size(blobPath(digest), signal)) === size;
    },
    sizing: { sizeOf: (digest, signal) => files.size(blobPath(digest), signal) },
    async resolve(name, signal) {
      const entries = await roots(signal);
      if (isOciDigest(name)) {
        const entry = entries.find(({ digest }) => digest === name);
        return entry ?? (await unlisted(files, name, signal));
      }
      const [entry, ...others] = entries.filter((one) => entryName(one) === name);
      if (others.some(({ digest }) => digest !== entry?.digest)) {
        throw new PortkitError('PK4002', `${shown} has the name ${JSON.stringify(name.slice(0, 128))} twice`, {
          hint: 'Name what you mean by its digest',
        });
      }
      return entry;
    },
    async *tags(signal) {
      const all = new Set((await roots(signal)).map(entryName));
      for (const name of all) if (name !== undefined) yield name;
    },
    referring: {
      async *referrers(subject, signal) {
        const seen = new Set<string>();
        for await (const [entry, manifest] of candidates(await roots(signal), subject.digest, signal)) {
          if (manifest?.subject?.digest !== subject.digest || seen.has(entry.digest)) continue;
          seen.add(entry.digest);
          yield describeReferrer(entry, manifest);
        }
      },
    },
  };

  /** What is listed, and what the list of the fallback tag names (distribution-spec, "Referrers Tag Schema"). */
  async function* candidates(
    entries: Entries,
    subject: OciDigest,
    signal: AbortSignal,
  ): AsyncGenerator<readonly [Descriptor, Manifest | undefined]> {
    for (const entry of entries) {
      if (kindOf(entry.mediaType) === 'blob') continue;
      const manifest = await readManifest(source, entry, signal);
      yield [entry, manifest];
      if (manifest.kind !== 'index' || entryName(entry) !== fallbackTag(subject)) continue;
      for (const inner of manifest.manifests) yield [inner, await readManifest(source, inner, signal)];
    }
  }

  return source;
}

/** What `index.json` says; undefined where a layout is still to be made, and that is no mistake. */
export async function readIndex(
  files: LayoutFiles,
  { isNew }: { readonly isNew: boolean },
  signal: AbortSignal,
): Promise<ImageIndex | undefined> {
  const { shown } = files;
  const bytes = await smallFile(files, 'index.json', signal);
  if (bytes === undefined && isNew) return undefined;
  checkMark(await smallFile(files, 'oci-layout', signal), shown);
  if (bytes === undefined) throw new PortkitError('PK4002', `${shown} is no OCI layout: it has no index.json`);
  const index = parseManifest(bytes, { shown: `index.json of ${shown}` });
  if (index.kind === 'index') return index;
  throw new PortkitError('PK4002', `index.json of ${shown} is no index`);
}

/** The tag under which registries without the referrers API list what refers to a digest. */
function fallbackTag(digest: OciDigest): string {
  return digest.replace(':', '-').slice(0, 128);
}

/** A manifest that is only found through another one, or through nothing. */
async function unlisted(files: LayoutFiles, digest: OciDigest, signal: AbortSignal): Promise<Descriptor | undefined> {
  const path = blobPath(digest);
  const size = await files.size(path, signal);
  if (size === undefined || size > documentLimit) return undefined;
  const chunks: Uint8Array[] = [];
  const blob = { mediaType: 'application/octet-stream', digest, size };
  for await (const chunk of verified(files.open(path, signal), blob)) chunks.push(chunk);
  const { mediaType } = parseManifest(Buffer.concat(chunks), { shown: `${digest} in ${files.shown}` });
  return { ...blob, mediaType };
}

async function smallFile(files: LayoutFiles, path: string, signal: AbortSignal): Promise<Uint8Array | undefined> {
  const size = await files.size(path, signal);
  if (size === undefined) return undefined;
  const chunks: Uint8Array[] = [];
  let read = 0;
  if (size > documentLimit) throw tooLarge(`${path} of ${files.shown}`);
  for await (const chunk of files.open(path, signal)) {
    read += chunk.length;
    // It may have grown since it was measured.
    if (read > documentLimit) throw tooLarge(`${path} of ${files.shown}`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

/** Whether the file `oci-layout` says that a layout of a known version is around it; PK4002 otherwise. */
export function checkMark(bytes: Uint8Array | undefined, shown: string): void {
  if (bytes === undefined) throw new PortkitError('PK4002', `${shown} is no OCI layout: it has no file oci-layout`);
  const value = strictJson(bytes, `oci-layout of ${shown}`);
  const version =
    typeof value === 'object' && value !== null && 'imageLayoutVersion' in value ? value.imageLayoutVersion : undefined;
  if (typeof version === 'string' && /^1\.\d+\.\d+$/.test(version)) return;
  throw new PortkitError('PK4002', `${shown} is an OCI layout of a version that is not known`);
}

function missing(digest: OciDigest, shown: string): PortkitError {
  return new PortkitError('PK4001', `${digest} is not in ${shown}`);
}
