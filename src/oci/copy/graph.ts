import { PortkitError } from '../../base/errors.ts';
import type { Descriptor } from '../model/descriptor.ts';
import type { Manifest } from '../model/manifest.ts';
import { kindOf } from '../model/media-types.ts';
import { bytesSource, readManifest } from '../model/read.ts';
import { successors } from '../model/successors.ts';
import { at } from './blame.ts';
import { copyBlob } from './blob.ts';
import type { Sides } from './blob.ts';
import type { Slots } from './slots.ts';

/** Copies what descriptors point to with everything below it. */
export interface GraphCopy {
  copy(root: Descriptor): Promise<void>;
}

/** Indexes in indexes, deeper than anybody needs. */
const deepest = 8;
/** Documents are held until what they name has arrived. */
const mostDocuments = 50_000;
const mostBytes = 256 << 20;

/**
 * A copy that takes everything once, however often it is named. A manifest comes after all that it names; one that the
 * target has is not looked into, since it could only come there in the same way.
 */
export function createGraphCopy(sides: Sides & { readonly slots: Slots }, asked: AbortSignal): GraphCopy {
  const { source, target, slots } = sides;
  const stop = new AbortController();
  const signal = AbortSignal.any([asked, stop.signal]);
  const begun = new Map<string, Promise<void>>();
  let documents = 0;
  let held = 0;

  function node(descriptor: Descriptor, depth: number): Promise<void> {
    const key = `${kindOf(descriptor.mediaType)} ${descriptor.digest} ${descriptor.size}`;
    const known = begun.get(key);
    if (known !== undefined) return known;
    const work = (kindOf(descriptor.mediaType) === 'blob' ? blob(descriptor) : document(descriptor, depth)).catch(
      (error: unknown) => {
        // What fails from now on only fails because this did.
        stop.abort(asked.aborted ? asked.reason : error);
        throw stop.signal.reason;
      },
    );
    begun.set(key, work);
    return work;
  }

  function blob(descriptor: Descriptor): Promise<void> {
    return slots.run(() => copyBlob(descriptor, sides, signal), signal);
  }

  async function document(descriptor: Descriptor, depth: number): Promise<void> {
    const manifest = await slots.run(() => wanted(descriptor, depth), signal);
    if (manifest === undefined) return;
    await all(successors(manifest).map((child) => node(child, depth + 1)));
    try {
      await putDocument(descriptor, manifest);
    } catch (error) {
      if (!(error instanceof PortkitError) || error.code !== 'PK4037') throw error;
      await sendAnew(manifest);
      await putDocument(descriptor, manifest);
    }
    held -= manifest.raw.length;
  }

  function putDocument(descriptor: Descriptor, { raw }: Manifest, anew = false): Promise<void> {
    return slots.run(() => copyBlob(descriptor, { ...sides, bytes: bytesSource(raw), anew }, signal), signal);
  }

  /** Registries may say that they have what they are about to forget, or have forgotten: all of it is sent, once. */
  async function sendAnew(manifest: Manifest): Promise<void> {
    const named = new Map(successors(manifest).map((child) => [child.digest, child]));
    for (const child of named.values()) {
      if (kindOf(child.mediaType) === 'blob') await slots.run(() => copyBlob(child, { ...sides, anew: true }, signal), signal);
      else {
        const inner = await at('source', source.shown, () => readManifest(source, child, signal));
        await sendAnew(inner);
        await putDocument(child, inner, true);
      }
    }
  }

  /** The document, unless the target has it and is believed. */
  async function wanted(descriptor: Descriptor, depth: number): Promise<Manifest | undefined> {
    documents += 1;
    held += descriptor.size;
    if (depth > deepest || documents > mostDocuments || held > mostBytes) {
      throw new PortkitError('PK4006', `${source.shown} leads through too many documents, at ${descriptor.digest}`);
    }
    if (sides.verify !== true && (await at('target', target.shown, () => target.exists(descriptor, signal)))) {
      held -= descriptor.size;
      sides.onEvent?.({ type: 'blob', descriptor, state: 'existed', bytes: descriptor.size });
      return undefined;
    }
    return at('source', source.shown, () => readManifest(source, descriptor, signal));
  }

  return { copy: (root) => node(root, 0) };
}

/** Waits for all of them, however they end, so that nothing goes on behind an error. */
async function all(works: readonly Promise<void>[]): Promise<void> {
  const failed = (await Promise.allSettled(works)).find((one) => one.status === 'rejected');
  if (failed !== undefined) throw failed.reason;
}
