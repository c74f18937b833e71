import { PortkitError } from '../../base/errors.ts';

/** A place bytes come from: the URL without its credentials, what goes into the request instead, and what people see. */
export interface Source {
  readonly url: URL;
  readonly authorization?: string;
  /** Without credentials and without the query, which may hold a signature or token. */
  readonly shown: string;
}

const schemes = ['http:', 'https:', 'file:'];
const mostRedirects = 5;

/** A source from a definition; throws PK3207 when it is no http, https or file URL. */
export function parseSource(text: string): Source {
  // URL passes over much, so that what runs would not be what was written, and its credentials not where others look for them.
  // oxlint-disable-next-line no-control-regex -- it silently drops these
  const isPlain = !/[\0-\x20\x7f]/.test(text) && !/^https?:(?!\/\/[^/\\])/i.test(text);
  const url = isPlain ? URL.parse(text) : null;
  if (url === null) throw new PortkitError('PK3207', 'A URL is malformed', { hint: 'It takes the form https://host/path' });
  if (!schemes.includes(url.protocol)) {
    throw new PortkitError('PK3207', `URLs of the kind ${url.protocol} cannot be fetched`, { hint: 'Use http, https or file' });
  }
  if (url.protocol === 'file:' && url.host !== '') {
    throw new PortkitError('PK3207', 'A file URL names a host', { hint: 'It takes the form file:///path' });
  }
  return withoutCredentials(url);
}

/** Sources for one request and its redirects; see `redirected`. */
export interface Trail {
  readonly visited: readonly string[];
  readonly source: Source;
}

/**
 * Where an answer sends us on. Refused (PK3203): more than five, a loop, from https to http, another scheme, credentials in
 * the new URL. Our own credentials only go to the origin they were given for.
 */
export function redirected({ visited, source }: Trail, location: string | undefined): Trail {
  const refuse = (why: string) => new PortkitError('PK3203', `${source.shown} redirects ${why}`);
  const url = location === undefined ? null : URL.parse(location, source.url.href);
  if (url === null) throw refuse('to no usable place');
  url.hash = '';
  if (url.protocol !== 'https:' && url.protocol !== 'http:') throw refuse(`to the scheme ${url.protocol}`);
  if (url.protocol === 'http:' && source.url.protocol === 'https:') throw refuse('from https to http');
  if (url.username !== '' || url.password !== '') throw refuse('to a URL that holds credentials');
  const path = [...visited, source.url.href];
  if (path.includes(url.href)) throw refuse('in a loop');
  if (path.length > mostRedirects) throw refuse(`more than ${mostRedirects} times`);
  const { authorization } = source;
  const keep = authorization !== undefined && url.origin === source.url.origin;
  return { visited: path, source: { url, shown: show(url), ...(keep ? { authorization } : {}) } };
}

function withoutCredentials(given: URL): Source {
  const url = new URL(given.href);
  url.username = '';
  url.password = '';
  url.hash = '';
  if (given.username === '' && given.password === '') return { url, shown: show(url) };
  const pair = `${decoded(given.username)}:${decoded(given.password)}`;
  return { url, shown: show(url), authorization: `Basic ${Buffer.from(pair).toString('base64')}` };
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw new PortkitError('PK3207', 'The credentials in a URL are not percent-encoded rightly');
  }
}

function show({ protocol, host, pathname, search }: URL): string {
  return `${protocol}//${host}${pathname}${search === '' ? '' : '?…'}`;
}
