import { PortkitError } from '../../base/errors.ts';
import { isOciDigest } from './digest.ts';
import type { OciDigest } from './digest.ts';

/** What a registry keeps, by name: `registry/repository[:tag][@digest]`. */
export interface Reference {
  /** `host[:port]`, in lower case. */
  readonly registry: string;
  readonly repository: string;
  readonly tag?: string;
  readonly digest?: OciDigest;
}

const label = '[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?';
const host = new RegExp(`^(?:${label}(?:\\.${label})*|\\[[0-9a-f:.]{2,45}\\])(?::([1-9][0-9]{0,4}))?$`);
/** A name of a repository (distribution-spec, "Pulling manifests"). */
const repositories = /^[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*(?:\/[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*)*$/;
const tags = /^[A-Za-z0-9_][A-Za-z0-9._-]{0,127}$/;
const longest = 255;
/** The names of Docker Hub. */
const hubs: readonly string[] = ['docker.io', 'index.docker.io', 'registry-1.docker.io'];

/** Whether text can be a tag. */
export function isTag(text: string): boolean {
  return tags.test(text);
}

/** A reference from text; PK4005 when it is none. Nothing is guessed: no registry, no `library/`, no `latest`. */
export function parseReference(text: string): Reference {
  const refuse = (why: string, hint = 'A reference has the form HOST[:PORT]/PATH[:TAG][@DIGEST]') =>
    new PortkitError('PK4005', `Malformed reference ${JSON.stringify(text.slice(0, 200))}: ${why}`, { hint });
  if (text.length > 4 * longest) throw refuse('it is too long');
  const [rest = '', digest, ...more] = text.split('@');
  if (more.length > 0 || (digest !== undefined && !isOciDigest(digest))) {
    throw refuse('what follows "@" is no digest', 'A digest is "sha256:" and 64, or "sha512:" and 128, lower-case hex digits');
  }
  const slash = rest.indexOf('/');
  const registry = rest.slice(0, Math.max(slash, 0)).toLowerCase();
  if (!isRegistry(registry)) throw refuse('it does not begin with a registry', registryHint(text));
  const colon = rest.indexOf(':', slash);
  const repository = rest.slice(slash + 1, colon < 0 ? undefined : colon);
  if (repository.length > longest || !repositories.test(repository)) {
    throw refuse('its path is no repository', repositoryHint(`${registry}/`, repository));
  }
  if (hubs.includes(registry) && !repository.includes('/')) {
    throw refuse(
      'Docker Hub has no repository without an owner',
      `Its own images are in library: docker.io/library/${repository}`,
    );
  }
  const tag = colon < 0 ? undefined : rest.slice(colon + 1);
  if (tag !== undefined && !isTag(tag)) throw refuse('what follows ":" is no tag');
  return { registry, repository, ...(tag === undefined ? {} : { tag }), ...(digest === undefined ? {} : { digest }) };
}

/** A reference as text, which parses to the same. */
export function showReference({ registry, repository, tag, digest }: Reference): string {
  return `${registry}/${repository}${tag === undefined ? '' : `:${tag}`}${digest === undefined ? '' : `@${digest}`}`;
}

/** What to ask a repository for: the digest, which cannot move, before the tag; `latest` when neither is said. */
export function nameOf({ tag, digest }: Reference): string {
  return digest ?? tag ?? 'latest';
}

/** What helps who wrote an address of the web, or a short name. */
function registryHint(text: string): string {
  const [scheme] = /^[a-z][a-z+.-]*:\/\//.exec(text) ?? [];
  if (scheme !== undefined) return `Leave out "${scheme}"; what speaks no TLS is told by --plain-http`;
  const [name = ''] = /^[^:@]*/.exec(text) ?? [];
  const path = name.length < longest && repositories.test(name) ? name : 'alpine';
  return `Name the registry: a host with a dot or a port, or localhost, as in docker.io/${path.includes('/') ? '' : 'library/'}${path}`;
}

function repositoryHint(before: string, path: string): string {
  const form = 'Segments have lower-case letters and digits, with ".", "_", "__" or "-" between';
  const meant = path.toLowerCase().replace(/\/+$/, '');
  return meant.length <= longest && repositories.test(meant) ? `${form}: did you mean ${before}${meant}?` : form;
}

/** Whether text is unmistakably a host, and no first segment of a path. */
function isRegistry(text: string): boolean {
  const match = text.length <= longest ? host.exec(text) : null;
  if (match === null || Number(match[1] ?? 1) > 65_535) return false;
  return text === 'localhost' || /[.:]/.test(text);
}
