import { PortkitError } from '../../base/errors.ts';
import type { Descriptor } from '../../oci/model/descriptor.ts';
import type { Target } from '../../oci/model/ports.ts';
import { bytesSource, readManifest } from '../../oci/model/read.ts';
import type { Chosen } from '../model/paths.ts';
import { showReference } from '../model/reference.ts';
import { entryOf, holdsVariants, indexWith } from './variant-manifest.ts';

/** Waits, so that writers of one index come to an end. */
export interface Waiting {
  /** A while by chance, and longer the more attempts there were. */
  pause(attempt: number, signal: AbortSignal): Promise<void>;
  /** Longer than a request takes: then everybody who had not seen a change has made theirs. */
  settle(signal: AbortSignal): Promise<void>;
}

/** What changing an index takes. */
interface Changing {
  readonly target: Target;
  readonly waiting: Waiting;
  readonly signal: AbortSignal;
}

const attempts = 10;

/**
 * Makes a manifest the one of its variant in the index of the artifact's version; the other variants stay. Registries cannot
 * compare and set: the index is read again right before it is replaced, and again when everybody who had read the old one is
 * done; who finds that their own entry was lost puts it in again. A writer whose requests take longer than that can still
 * undo another's change.
 */
export async function putIntoIndex(chosen: Chosen, manifest: Descriptor, changing: Changing): Promise<void> {
  const { target, waiting, signal } = changing;
  const tag = chosen.artifact.reference.version;
  for (let attempt = 0; attempt < attempts; attempt += 1) {
    if (attempt > 0) await waiting.pause(attempt, signal);
    const before = await readIndex(chosen, changing);
    const index = indexWith(chosen, manifest, before?.manifests ?? []);
    if (index.descriptor.digest === before?.digest) return;
    await target.push(index.descriptor, bytesSource(index.bytes), signal);
    if ((await target.resolve(tag, signal))?.digest !== before?.digest) continue;
    await target.tag(index.descriptor, tag, signal);
    await waiting.settle(signal);
    const after = await readIndex(chosen, changing);
    if (after !== undefined && entryOf(chosen.variant.selector, after)?.digest === manifest.digest) return;
  }
  throw new PortkitError('PK4081', `${showReference(chosen.artifact.reference)} is changed by others all the time`, {
    hint: 'The files are there, but not under the tag: push the variant again',
  });
}

async function readIndex(chosen: Chosen, { target, signal }: Changing) {
  const { reference } = chosen.artifact;
  const root = await target.resolve(reference.version, signal);
  if (root === undefined) return undefined;
  const index = await readManifest(target, root, signal);
  if (index.kind === 'index' && holdsVariants(chosen, index)) {
    return { digest: root.digest, manifests: index.manifests };
  }
  throw new PortkitError(
    'PK4004',
    `${showReference(reference)} is something else than the variants of a ${chosen.artifact.kind}`,
    {
      hint: 'It is left alone: take another version, or delete the tag',
    },
  );
}
