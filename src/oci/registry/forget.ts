import { isOciDigest } from '../model/digest.ts';
import { checkedName } from './manifests.ts';
import { refusalOf } from './refusal.ts';
import type { Session } from './session.ts';

/** Deletes a tag, or the manifest or blob of a digest; whether there was anything. */
export async function forget(session: Session, name: string, signal: AbortSignal): Promise<boolean> {
  const checked = checkedName(name);
  if (await remove(session, `manifests/${checked}`, signal)) return true;
  return isOciDigest(checked) && remove(session, `blobs/${checked}`, signal);
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
