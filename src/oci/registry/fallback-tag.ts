import { PortkitError } from '../../base/errors.ts';
import type { Descriptor } from '../model/descriptor.ts';
import { documentLimit, parseManifest, tooLarge } from '../model/manifest.ts';
import { produceIndex } from '../model/produce.ts';
import { getManifest, putManifest } from './manifests.ts';
import type { Session } from './session.ts';

/** The tag of the index that stands in for a registry that lists no referrers (distribution-spec, "Referrers Tag Schema"). */
export function fallbackTag({ digest }: Descriptor): string {
  const [algorithm = '', hex = ''] = digest.split(':');
  return `${algorithm}-${hex.slice(0, 64)}`;
}

/** What such an index lists. */
export async function readFallback(session: Session, tag: string, signal: AbortSignal): Promise<readonly Descriptor[]> {
  return (await read(session, tag, signal))?.manifests ?? [];
}

async function read(session: Session, tag: string, signal: AbortSignal) {
  const found = await getManifest(session, tag, signal);
  if (found === undefined) return undefined;
  const shown = `${session.place.shown}:${tag}`;
  const index = parseManifest(found.bytes, { shown, mediaType: found.descriptor.mediaType });
  if (index.kind === 'index') return index;
  throw new PortkitError('PK4002', `${shown} is no index, and so cannot list referrers`);
}

/** A change of such an index; an answer that is equal to what it was given ends it. */
export interface FallbackUpdate {
  readonly tag: string;
  change(before: readonly Descriptor[]): readonly Descriptor[];
}

const mostTries = 5;

/** Changes such an index until it stays changed: registries have no way to do that in one step. */
export async function updateFallback(session: Session, update: FallbackUpdate, signal: AbortSignal): Promise<void> {
  const { tag } = update;
  for (let tries = 0; tries < mostTries; tries += 1) {
    const index = await read(session, tag, signal);
    const before = index?.manifests ?? [];
    const after = update.change(before);
    if (after.length === before.length) return;
    const { descriptor, bytes } = produceIndex({ ...index, manifests: after });
    if (bytes.length > documentLimit) throw tooLarge(`${session.place.shown}:${tag}`);
    await putManifest(session, { descriptor, bytes, name: tag }, signal);
  }
  throw new PortkitError('PK4036', `${session.place.shown}:${tag} is changed by others each time it is changed here`, {
    hint: 'Try again when nobody else attaches something to the same manifest',
  });
}
