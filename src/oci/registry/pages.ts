import { PortkitError } from '../../base/errors.ts';
import type { Answer } from '../../http/call.ts';
import { readDocument } from './documents.ts';
import { refusalOf } from './refusal.ts';
import type { Session } from './session.ts';

const mostPages = 1000;
/** Whoever asks keeps all of it: a million tags are less. */
const mostBytes = 64 << 20;

/** One page of a list, as it was sent. */
interface Page {
  readonly bytes: Buffer;
  readonly mediaType: string;
}

/** The pages of a list; 404 is no list (PK4001). Pages of another origin are not asked for, and not without end. */
export async function* pages(
  session: Session,
  { url, what, signal }: { url: URL; what: string; signal: AbortSignal },
): AsyncGenerator<Page> {
  const seen = new Set<string>();
  let bytes = 0;
  for (let next: URL | undefined = url; next !== undefined;) {
    if (seen.size === mostPages || seen.has(next.href)) {
      throw new PortkitError('PK4035', `${session.place.shown} has ${what} on more than ${mostPages} pages, or in a circle`);
    }
    seen.add(next.href);
    const page: Page & { next: URL | undefined } = await session.ask({ method: 'GET', url: next, signal }, async (answer) => {
      if (answer.status !== 200) throw await refusalOf(answer, `Cannot list ${what} of ${session.place.shown}`);
      const mediaType = (answer.header('content-type') ?? '').split(';')[0]?.trim() ?? '';
      return { bytes: await readDocument(answer), mediaType, next: nextPage(session, answer) };
    });
    bytes += page.bytes.length;
    if (bytes > mostBytes) {
      throw new PortkitError(
        'PK4006',
        `${session.place.shown} has ${what} of more than the ${mostBytes} bytes that are read of a list`,
      );
    }
    yield page;
    next = page.next;
  }
}

/** One of the relations of a link, each a word (RFC 8288, 3.3). */
const saysNext = /;\s*rel\s*=\s*(?:"(?:[^"]*\s)?next(?:\s[^"]*)?"|next)\s*(?:[;,]|$)/i;

function nextPage({ place }: Session, answer: Answer): URL | undefined {
  const links = (answer.header('link') ?? '').matchAll(/<([^<>]{1,4096})>([^<>]*)/g);
  const [, target] = links.find(([, , parameters = '']) => saysNext.test(parameters)) ?? [];
  if (target === undefined) return undefined;
  const url = URL.canParse(target, answer.url.href) ? new URL(target, answer.url) : undefined;
  if (url?.origin === place.origin && url.username === '' && url.password === '') return url;
  throw new PortkitError('PK4034', `${place.host} has the next page of a list at another host, which is not followed`);
}
