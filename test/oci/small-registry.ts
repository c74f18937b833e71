import { createHash } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { buffer } from 'node:stream/consumers';
import { say } from './server.ts';
import type { Handler } from './server.ts';

/** What a registry in memory has. */
export interface Shelves {
  readonly blobs: Map<string, Buffer>;
  /** By digest and by tag. */
  readonly manifests: Map<string, { readonly type: string; readonly bytes: Buffer }>;
}

/** Empty shelves. */
export function emptyShelves(): Shelves {
  return { blobs: new Map(), manifests: new Map() };
}

/** The digest of bytes. */
function digestOf(bytes: Buffer): string {
  return `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
}

/** Just enough of a registry for one repository called `r`; `first` may answer instead of it. */
export function smallRegistry(
  shelves: Shelves,
  first: (...at: Parameters<Handler>) => boolean | Promise<boolean> = () => false,
): Handler {
  return async (request, response) => {
    if (await first(request, response)) return;
    const { pathname, searchParams } = new URL(request.url ?? '', 'http://r');
    const [, kind, name = ''] = /^\/v2\/r\/(blobs|manifests|tags|referrers)\/(.*)$/.exec(pathname) ?? [];
    if (kind === 'manifests') return manifests(shelves, name, request, response);
    if (kind === 'tags') {
      const tags = [...shelves.manifests.keys()].filter((key) => !key.includes(':'));
      return say(response, 200, {}, JSON.stringify({ name: 'r', tags }));
    }
    if (kind !== 'blobs') return say(response, 404);
    if (request.method === 'POST') return say(response, 202, { location: '/v2/r/blobs/uploads/1?state=x' });
    if (request.method === 'DELETE') return say(response, 204);
    if (request.method === 'PUT') {
      const bytes = await buffer(request);
      const digest = searchParams.get('digest') ?? '';
      if (digestOf(bytes) !== digest) return say(response, 400, {}, JSON.stringify({ errors: [{ code: 'DIGEST_INVALID' }] }));
      shelves.blobs.set(digest, bytes);
      return say(response, 201);
    }
    const blob = shelves.blobs.get(name);
    if (blob === undefined) return say(response, 404);
    sendBlob(request, response, blob);
  };
}

/** Sends a blob or the range that is asked for. */
export function sendBlob(request: IncomingMessage, response: ServerResponse, blob: Buffer): void {
  const from = Number(/^bytes=(\d+)-$/.exec(request.headers.range ?? '')?.[1] ?? 0);
  const range = from === 0 ? {} : { 'content-range': `bytes ${from}-${blob.length - 1}/${blob.length}` };
  const part = blob.subarray(from);
  response.writeHead(from === 0 ? 200 : 206, { 'content-length': String(part.length), ...range });
  response.end(request.method === 'HEAD' ? undefined : part);
}

async function manifests(shelves: Shelves, name: string, ...[request, response]: Parameters<Handler>): Promise<void> {
  if (request.method === 'PUT') {
    const bytes = await buffer(request);
    const entry = { type: request.headers['content-type'] ?? '', bytes };
    shelves.manifests.set(name, entry).set(digestOf(bytes), entry);
    return say(response, 201, { 'docker-content-digest': digestOf(bytes) });
  }
  const found = shelves.manifests.get(name);
  if (found === undefined) return say(response, 404);
  const headers = {
    'content-type': found.type,
    'docker-content-digest': digestOf(found.bytes),
    'content-length': String(found.bytes.length),
  };
  if (request.method === 'HEAD') return say(response, 200, headers);
  return say(response, 200, headers, found.bytes);
}
