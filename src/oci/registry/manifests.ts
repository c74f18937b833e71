import { PortkitError } from '../../base/errors.ts';
import { hasherOf, isOciDigest, parseOciDigest } from '../model/digest.ts';
import type { OciDigest } from '../model/digest.ts';
import type { Descriptor } from '../model/descriptor.ts';
import { parseManifest } from '../model/manifest.ts';
import { acceptedManifests, kindOf } from '../model/media-types.ts';
import { bytesSource } from '../model/read.ts';
import { isTag } from '../model/reference.ts';
import { readDocument } from './documents.ts';
import type { Answer } from '../../http/call.ts';
import { refusalOf } from './refusal.ts';
import type { Session } from './session.ts';

/** Whether something is kept among the manifests of a registry, and not among its blobs. */
export function isManifest({ mediaType }: Pick<Descriptor, 'mediaType'>): boolean {
  return kindOf(mediaType) !== 'blob';
}

/** A manifest as it was sent. */
export interface RawManifest {
  readonly descriptor: Descriptor;
  readonly bytes: Uint8Array;
}

/** A tag as it is, a digest by its grammar: whatever else is refused (PK4005, PK1002). */
export function checkedName(name: string): string {
  if (name.includes(':')) return parseOciDigest(name);
  if (isTag(name)) return name;
  throw new PortkitError('PK4005', `Malformed tag ${JSON.stringify(name.slice(0, 150))}`);
}

/** The manifest of a name, undefined when there is none. What it is called is computed from its bytes. */
export async function getManifest(session: Session, name: string, signal: AbortSignal): Promise<RawManifest | undefined> {
  const url = session.place.url(`manifests/${checkedName(name)}`);
  return session.ask({ method: 'GET', url, headers: { accept: acceptedManifests }, signal }, async (answer) => {
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
  if (!isManifest({ mediaType })) throw new PortkitError('PK4002', `${shown} is of a type that is not known here`);
  // Bytes that say they are of another type than the registry does are refused (CVE-2021-41190).
  parseManifest(bytes, { shown, mediaType });
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
  const body = { size: bytes.length, ...bytesSource(bytes) };
  const headers = { 'content-type': descriptor.mediaType };
  return session.ask({ method: 'PUT', url, headers, body, signal }, async (answer) => {
    if (answer.status < 200 || answer.status > 299)
      throw await refusalOf(answer, `Cannot write ${session.place.shown}`, (text) => session.isTold(text));
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
  return session.ask({ method: 'HEAD', url, headers: { accept: acceptedManifests }, signal }, async (answer) => {
    if (answer.status === 403) throw await refusalOf(answer, `Cannot look into ${place.shown}`);
    answer.discard();
    return answer.status === 200;
  });
}
