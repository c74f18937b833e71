import { PortkitError } from '../../base/errors.ts';
import type { Descriptor } from '../model/descriptor.ts';
import { documentLimit, parseManifest, tooLarge } from '../model/manifest.ts';
import { reproduceIndex } from '../model/reproduce.ts';
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

/** A change of such an index; it answers the very list that it was given when there is nothing to change. */
export interface FallbackUpdate {
  readonly tag: string;
  change(before: readonly Descriptor[]): readonly Descriptor[];
}

const mostTries = 10;
/** The shortest time after which a change is looked for again. */
const leastSettling = 50;

/**
 * Changes such an index until it stays changed. Registries cannot compare and set: who wrote waits for longer than reading and
 * writing takes, so that everybody who had read the index before has written theirs, and looks again. A writer that takes
 * longer than that can still undo another's change; `Referring.knows` finds out at the next push.
 */
export async function updateFallback(session: Session, update: FallbackUpdate, signal: AbortSignal): Promise<void> {
  const { tag } = update;
  const { world } = session;
  const shown = `${session.place.shown}:${tag}`;
  for (let tries = 0; tries < mostTries; tries += 1) {
    const began = world.now().getTime();
    const index = await read(session, tag, signal);
    const before = index?.manifests ?? [];
    const after = update.change(before);
    if (after === before) return;
    const { descriptor, bytes } = reproduceIndex(index, after);
    if (bytes.length > documentLimit) throw tooLarge(shown);
    await putManifest(session, { descriptor, bytes, name: tag }, signal);
    const settling = leastSettling + 3 * Math.max(0, world.now().getTime() - began);
    await world.sleep(settling * (1 + world.random()), signal);
  }
  throw new PortkitError('PK4036', `${shown} is changed by others each time it is changed here`, {
    hint: 'Try again when nobody else attaches something to the same manifest',
  });
}
