import { PortkitError } from '../../base/errors.ts';
import type { Descriptor } from '../model/descriptor.ts';
import { documentLimit, tooLarge } from '../model/manifest.ts';
import type { Deleter, Mounter, Target } from '../model/ports.ts';
import { bytesSource, verified } from '../model/read.ts';
import { forget } from './forget.ts';
import { getManifest, hasManifest, isManifest, putManifest } from './manifests.ts';
import type { RawManifest } from './manifests.ts';
import { openBlob, receiveBlob } from './pull.ts';
import type { ReceiveFrom } from './pull.ts';
import { mountBlob, pushBlob } from './push.ts';
import { createReferring } from './referring.ts';
import type { Referring } from './referring.ts';
import type { Session } from './session.ts';
import { listTags } from './tags.ts';
import { hasBlob, sizeOfBlob } from './upload.ts';

/** A repository of a registry. */
export interface RegistryRepository extends Target {
  readonly referring: Referring;
  readonly mounting: Mounter;
  readonly deleting: Deleter;
  /**
   * Gives the bytes of a blob from `offset` on to `take`, for a caller that has the rest from before. Their number is
   * checked; the digest of the whole is the caller's to check.
   */
  receiveFrom(descriptor: Descriptor, from: ReceiveFrom): Promise<void>;
}

/** The ports of a repository over a session. */
export function createRepository(session: Session): RegistryRepository {
  const { place } = session;
  // A manifest that a name was resolved to is asked for next.
  const recent = new Map<string, RawManifest>();
  const absent = new Set<string>();
  const referring = createReferring(session);
  function remember(manifest: RawManifest): RawManifest {
    recent.delete(manifest.descriptor.digest);
    recent.set(manifest.descriptor.digest, manifest);
    const [oldest] = recent.keys();
    if (recent.size > mostRecent && oldest !== undefined) recent.delete(oldest);
    return manifest;
  }
  async function manifest(descriptor: Descriptor, signal: AbortSignal): Promise<RawManifest> {
    if (descriptor.size > documentLimit) throw tooLarge(`${place.shown}@${descriptor.digest}`);
    const found = recent.get(descriptor.digest) ?? (await getManifest(session, descriptor.digest, signal));
    if (found === undefined) throw new PortkitError('PK4001', `${place.shown} has no ${descriptor.digest}`);
    if (found.bytes.length === descriptor.size) return remember(found);
    throw new PortkitError('PK4003', `${place.shown}@${descriptor.digest} has not the size that its descriptor says`);
  }
  async function exists(descriptor: Descriptor, signal: AbortSignal): Promise<boolean> {
    const there = isManifest(descriptor)
      ? await hasManifest(session, descriptor, signal)
      : await hasBlob(session, descriptor, signal);
    // Lists of referrers say the type. A writer that was ended may have pushed what they name, and not listed it.
    const known =
      !there || descriptor.artifactType === undefined || (await referring.knows(await manifest(descriptor, signal), signal));
    if (there && known) return true;
    absent.add(descriptor.digest);
    return false;
  }
  return {
    shown: place.shown,
    referring,
    async resolve(name, signal) {
      const found = await getManifest(session, name, signal);
      return found && remember(found).descriptor;
    },
    async fetch(descriptor, signal) {
      if (isManifest(descriptor)) return bytesSource((await manifest(descriptor, signal)).bytes).open(signal);
      return verified(await openBlob(session, descriptor, signal), descriptor);
    },
    receiveFrom: (descriptor, from) => receiveBlob(session, descriptor, from),
    exists,
    sizing: { sizeOf: (digest, signal) => sizeOfBlob(session, digest, signal) },
    async push(descriptor, source, signal) {
      // Who was told a moment ago that it is not there need not ask again.
      const known = absent.delete(descriptor.digest) || source.isNeeded === true;
      if (!known && (await exists(descriptor, signal))) return 'existed';
      absent.delete(descriptor.digest);
      if (isManifest(descriptor)) {
        const bytes = await collect(descriptor, source.open(signal));
        const answer = await putManifest(session, { descriptor, bytes, name: descriptor.digest }, signal);
        remember({ descriptor, bytes });
        await referring.add({ descriptor, bytes }, answer.header('oci-subject'), signal);
      } else await pushBlob(session, { descriptor, source, signal });
      return 'stored';
    },
    async tag(descriptor, name, signal) {
      const { bytes } = await manifest(descriptor, signal);
      await putManifest(session, { descriptor, bytes, name }, signal);
    },
    tags: (signal) => listTags(session, signal),
    mounting: { mount: (descriptor, from, signal) => mountBlob(session, descriptor, { from, signal }) },
    deleting: { delete: (name, signal) => forget(session, { name, referring }, signal) },
  };
}

const mostRecent = 8;

/** A manifest that is to be sent, once it is known to be what its descriptor says. */
async function collect(descriptor: Descriptor, content: AsyncIterable<Uint8Array>): Promise<Buffer> {
  if (descriptor.size > documentLimit) throw tooLarge(descriptor.digest);
  return Buffer.concat(await Array.fromAsync(verified(content, descriptor)));
}
