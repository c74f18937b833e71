import { PortkitError } from '../../base/errors.ts';
import { hasherOf, isOciDigest, parseOciDigest } from '../model/digest.ts';
import type { OciDigest } from '../model/digest.ts';
import type { Descriptor } from '../model/descriptor.ts';
import { mostDocumentBytes, objectOf, only, readDocument } from './documents.ts';
import type { Answer } from './call.ts';
import { checkedTag } from './place.ts';
import { refusalOf } from './refusal.ts';
import type { Session } from './session.ts';

const manifestTypes: readonly string[] = [
  'application/vnd.oci.image.manifest.v1+json',
  'application/vnd.oci.image.index.v1+json',
  'application/vnd.docker.distribution.manifest.v2+json',
  'application/vnd.docker.distribution.manifest.list.v2+json',
];
/** Some registries do not find what they have when its type is not asked for. */
const accept = manifestTypes.join(', ');

/** Whether something is kept among the manifests of a registry, and not among its blobs. */
export function isManifest({ mediaType }: Pick<Descriptor, 'mediaType'>): boolean {
  return manifestTypes.includes(mediaType);
}

/** A manifest as it was sent. */
export interface RawManifest {
  readonly descriptor: Descriptor;
  readonly bytes: Buffer;
}

/** A tag as it is, a digest by its grammar: whatever else is refused (PK4005, PK1002). */
export function checkedName(name: string): string {
  return name.includes(':') ? parseOciDigest(name) : checkedTag(name);
}

/** The manifest of a name, undefined when there is none. What it is called is computed from its bytes. */
export async function getManifest(session: Session, name: string, signal: AbortSignal): Promise<RawManifest | undefined> {
  const url = session.place.url(`manifests/${checkedName(name)}`);
  return session.ask({ method: 'GET', url, headers: { accept }, signal }, async (answer) => {
    if (answer.status === 404) {
      answer.discard();
      return undefined;
    }
    const shown = `${session.place.shown}${name.includes(':') ? '@' : ':'}${name}`;
    if (answer.status !== 200) throw await refusalOf(answer, `Cannot read ${shown}`);
    return verified(answer, name, shown);
  });
}

async function verified(answer: Answer, name: string, shown: string): Promise<RawManifest> {
  const bytes = await readDocument(answer);
  const said = answer.header('docker-content-digest');
  const digest = digestOfBytes(bytes, isOciDigest(name) ? name : said);
  if (isOciDigest(name) && digest !== name) throw wrong(shown, `has the digest ${digest}`);
  // Who is asked by digest may say another algorithm's; what counts then is that digest.
  if (!isOciDigest(name) && said !== undefined && said !== digest) throw wrong(shown, `is not of the digest that came with it`);
  const mediaType = (answer.header('content-type') ?? '').split(';')[0]?.trim() ?? '';
  const document = objectOf(bytes);
  const inner = document?.['mediaType'];
  if (document === undefined || !manifestTypes.includes(mediaType) || (inner !== undefined && inner !== mediaType)) {
    throw new PortkitError('PK4002', `${shown} is no manifest, or not of the one type that it says it has`);
  }
  return { descriptor: { mediaType, digest, size: bytes.length }, bytes };
}

/** The digest of bytes, with the algorithm of another; sha256 when that is none. */
function digestOfBytes(bytes: Uint8Array, like: string | undefined): OciDigest {
  const algorithm = like?.startsWith('sha512:') === true && isOciDigest(like) ? 'sha512' : 'sha256';
  return parseOciDigest(`${algorithm}:${hasherOf(`${algorithm}:`).update(bytes).digest('hex')}`);
}

function wrong(shown: string, why: string): PortkitError {
  return new PortkitError('PK4003', `${shown} ${why}`, { hint: 'The registry, or something before it, is broken or lies' });
}

/** Puts a manifest under its digest or a tag; answers the registry's answer, without its body. */
export async function putManifest(
  session: Session,
  { descriptor, bytes, name }: RawManifest & { readonly name: string },
  signal: AbortSignal,
): Promise<Pick<Answer, 'header'>> {
  const url = session.place.url(`manifests/${checkedName(name)}`);
  const body = { size: bytes.length, open: () => only(bytes) };
  const headers = { 'content-type': descriptor.mediaType };
  return session.ask({ method: 'PUT', url, headers, body, signal }, async (answer) => {
    if (answer.status < 200 || answer.status > 299) throw await refusalOf(answer, `Cannot write ${session.place.shown}`);
    answer.discard();
    const said = answer.header('docker-content-digest');
    if (said !== undefined && said !== descriptor.digest && said.slice(0, 6) === descriptor.digest.slice(0, 6)) {
      throw wrong(session.place.shown, 'has stored another manifest than it was sent');
    }
    return answer;
  });
}

/** Whether a manifest is there. Sizes are not compared: some registries say another one than they send. */
export async function hasManifest(session: Session, { digest }: Descriptor, signal: AbortSignal): Promise<boolean> {
  const { place } = session;
  const url = place.url(`manifests/${parseOciDigest(digest)}`);
  return session.ask({ method: 'HEAD', url, headers: { accept }, signal }, async (answer) => {
    if (answer.status === 403) throw await refusalOf(answer, `Cannot look into ${place.shown}`);
    answer.discard();
    return answer.status === 200;
  });
}

/** A manifest that is to be sent, once it is known to be what its descriptor says (PK4003). */
export async function collectManifest(
  { place }: Session,
  { digest, size }: Descriptor,
  content: AsyncIterable<Uint8Array>,
): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  let left = mostDocumentBytes;
  for await (const chunk of content) {
    left -= chunk.length;
    if (left < 0) throw new PortkitError('PK4006', `A manifest for ${place.shown} has more than ${mostDocumentBytes} bytes`);
    chunks.push(chunk);
  }
  const bytes = Buffer.concat(chunks);
  if (bytes.length === size && digestOfBytes(bytes, digest) === digest) return bytes;
  throw new PortkitError('PK4003', `A manifest for ${place.shown} is not the one of ${digest}`);
}
