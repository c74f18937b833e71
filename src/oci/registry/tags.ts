import { PortkitError } from '../../base/errors.ts';
import { isTag } from '../model/reference.ts';
import { objectOf } from './documents.ts';
import { pages } from './pages.ts';
import type { Session } from './session.ts';

/** The tags of a repository, page by page, each once. */
export async function* listTags(session: Session, signal: AbortSignal): AsyncGenerator<string> {
  const seen = new Set<string>();
  const wanted = { url: session.place.url('tags/list'), what: 'tags', signal };
  for await (const { bytes } of pages(session, wanted)) {
    const tags = objectOf(bytes)?.['tags'];
    if (tags !== null && !(Array.isArray(tags) && tags.every((tag) => typeof tag === 'string' && isTag(tag)))) {
      throw new PortkitError('PK4002', `${session.place.shown} answers with no list of tags`);
    }
    for (const tag of (tags ?? []) as readonly string[]) {
      if (seen.has(tag)) continue;
      seen.add(tag);
      yield tag;
    }
  }
}
