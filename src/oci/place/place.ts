import { PortkitError } from '../../base/errors.ts';
import { isOciDigest } from '../model/digest.ts';
import { isTag, parseReference, showReference } from '../model/reference.ts';
import type { Reference } from '../model/reference.ts';

/** A place that artifacts are copied from or to. */
export type Place =
  | { readonly kind: 'layout'; readonly path: string; readonly name?: string }
  | { readonly kind: 'archive'; readonly path: string; readonly name?: string }
  | { readonly kind: 'registry'; readonly reference: Reference };

const schemes = { 'oci:': 'layout', 'oci-archive:': 'archive' } as const;

/** Whether text is of one of the schemes, and can be no file or reference. */
export function hasScheme(text: string): boolean {
  return Object.keys(schemes).some((scheme) => text.startsWith(scheme));
}

/** A place from text; PK4005 when it is none. */
export function parsePlace(text: string): Place {
  for (const [scheme, kind] of Object.entries(schemes)) {
    if (text.startsWith(scheme)) return { kind, ...namedPath(text, scheme) };
  }
  const [, other] = /^([a-z][a-z-]*):(?!\d)/.exec(text) ?? [];
  if (other !== undefined && !text.slice(0, text.indexOf('/')).includes('.')) {
    throw new PortkitError('PK4005', `${JSON.stringify(text.slice(0, 200))} is no place that is known`, {
      hint: 'Write oci:DIR[:TAG], oci-archive:FILE[:TAG], or HOST/PATH[:TAG] for a registry',
    });
  }
  return { kind: 'registry', reference: referenceOf(text) };
}

/** A reference; of what looks like a path, the error says how those are written. */
function referenceOf(text: string): Reference {
  try {
    return parseReference(text);
  } catch (error) {
    if (!(error instanceof PortkitError) || !/^(?:\.{0,2}\/|[^.:/]+\/)/.test(text)) throw error;
    throw new PortkitError('PK4005', error.message, {
      hint: 'A folder or file is oci:DIR[:TAG] or oci-archive:FILE[:TAG]; a registry is a host with a dot or a port, or localhost',
    });
  }
}

/** A path, and the tag or digest behind it; a colon with a slash after it belongs to the path. */
function namedPath(text: string, scheme: string): { readonly path: string; readonly name?: string } {
  const rest = text.slice(scheme.length);
  const at = rest.lastIndexOf('@');
  const digest = at < 0 ? '' : rest.slice(at + 1);
  const colon = rest.lastIndexOf(':');
  const tag = colon < 0 ? '' : rest.slice(colon + 1);
  const named = isOciDigest(digest)
    ? { path: rest.slice(0, at), name: digest }
    : isTag(tag)
      ? { path: rest.slice(0, colon), name: tag }
      : { path: rest };
  if (named.path !== '' && !named.path.includes('\0')) return named;
  throw new PortkitError('PK4005', `${JSON.stringify(text.slice(0, 200))} names no path`, {
    hint: `Write ${scheme}PATH[:TAG]`,
  });
}

/** A place as messages show it. */
export function showPlace(place: Place): string {
  if (place.kind === 'registry') return showReference(place.reference);
  const scheme = place.kind === 'layout' ? 'oci' : 'oci-archive';
  const { path, name } = place;
  return `${scheme}:${path}${name === undefined ? '' : isOciDigest(name) ? `@${name}` : `:${name}`}`;
}
