import { PortkitError } from '../../base/errors.ts';
import { isOciDigest } from '../model/digest.ts';
import { checkedName, getManifest } from './manifests.ts';
import type { Referring } from './referring.ts';
import { refusalOf } from './refusal.ts';
import type { Session } from './session.ts';

/** Deletes a tag, or the manifest or blob of a digest; whether there was anything. */
export async function forget(
  session: Session,
  { name, referring }: { readonly name: string; readonly referring: Referring },
  signal: AbortSignal,
): Promise<boolean> {
  const checked = checkedName(name);
  if (!isOciDigest(checked)) return removeTag(session, checked, signal);
  const manifest = await getManifest(session, checked, signal);
  if (manifest === undefined) return remove(session, `blobs/${checked}`, signal);
  const removed = await remove(session, `manifests/${checked}`, signal);
  await referring.drop(manifest, signal);
  return removed;
}

/** Not every registry can: some take the tag for a digest that is malformed. */
async function removeTag(session: Session, tag: string, signal: AbortSignal): Promise<boolean> {
  try {
    return await remove(session, `manifests/${tag}`, signal);
  } catch (error) {
    if (!(error instanceof PortkitError) || !['PK4003', 'PK4036'].includes(error.code)) throw error;
    throw new PortkitError('PK4036', `${session.place.shown} does not delete the tag ${tag}: its registry refuses that`, {
      hint: 'Delete the manifest, with all of its tags: portkit manifest delete HOST/PATH@DIGEST',
      cause: error,
    });
  }
}

function remove(session: Session, below: string, signal: AbortSignal): Promise<boolean> {
  const { place } = session;
  const alsoScopes = [`repository:${place.path}:delete`];
  return session.ask({ method: 'DELETE', url: place.url(below), alsoScopes, signal }, async (answer) => {
    if (answer.status === 404) {
      answer.discard();
      return false;
    }
    if (answer.status < 200 || answer.status > 299) throw await refusalOf(answer, `Cannot delete from ${place.shown}`);
    answer.discard();
    return true;
  });
}
