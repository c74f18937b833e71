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

function nextPage({ place }: Session, answer: Answer): URL | undefined {
  const target = nextTarget(answer.header('link') ?? '');
  if (target === undefined) return undefined;
  const url = URL.canParse(target, answer.url.href) ? new URL(target, answer.url) : undefined;
  if (url?.origin === place.origin && url.username === '' && url.password === '') return url;
  throw new PortkitError('PK4034', `${place.host} has the next page of a list at another host, which is not followed`);
}

const link = /[\s,]*<(?<target>[^<>]*)>/y;
const parameter = /\s*;\s*(?<name>[^\s=;,"]*)\s*(?:=\s*(?:"(?<quoted>[^"]*)"|(?<token>[^\s";,]*)))?/y;

/** The target of the link to what comes next (RFC 8288, 3): any of several links, with any parameters before its relation. */
export function nextTarget(header: string): string | undefined {
  const take = (what: RegExp, at: number) => {
    what.lastIndex = at;
    return what.exec(header)?.groups;
  };
  for (let at = 0; at < header.length;) {
    const target = take(link, at)?.['target'];
    if (target === undefined) return undefined;
    at = link.lastIndex;
    for (let said = take(parameter, at); said !== undefined; said = take(parameter, at)) {
      at = parameter.lastIndex;
      const { name = '', quoted, token = '' } = said;
      if (name.toLowerCase() === 'rel' && /(?:^|\s)next(?:\s|$)/i.test(quoted ?? token)) return target;
    }
  }
  return undefined;
}
