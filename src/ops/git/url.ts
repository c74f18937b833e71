import { PortkitError } from '../../base/errors.ts';

/** Where a repository is, as git is told. */
export interface RepositoryUrl {
  readonly text: string;
  /** On this machine: only such a repository may name submodules on this machine. */
  readonly local: boolean;
}

const remote = /^(?:https?|ssh|git):\/\/[^/]/;
/** `user@host:path`; what begins with a dash would be an option of ssh. */
const short = /^(?:[A-Za-z0-9_][\w.-]*@)?[A-Za-z0-9][\w.-]+:(?!\/\/)[^:-][^:]*$/;

/**
 * A repository in a definition or a `.gitmodules`; undefined when it is a path. Refused (PK3207): other transports such as
 * `ext::`, options in disguise, and passwords, which every process of the machine could see on git's command line.
 */
export function parseRepository(text: string): RepositoryUrl | undefined {
  const refuse = (why: string) => new PortkitError('PK3207', `A git URL ${why}`, { hint: 'Use https, ssh or a relative path' });
  // oxlint-disable-next-line no-control-regex -- a line break would be a second line for a helper of git
  if (text === '' || text.startsWith('-') || /[\0-\x20\x7f]/.test(text)) throw refuse('is malformed');
  if (text.includes('::')) throw refuse('names a transport that is not allowed');
  if (remote.test(text)) {
    const url = URL.parse(text);
    if (url === null || url.hostname.startsWith('-') || url.username.startsWith('-')) throw refuse('is malformed');
    if (url.password !== '') throw refuse('holds a password');
    return { text, local: false };
  }
  if (text.startsWith('file:///')) return { text, local: true };
  if (text.includes('://')) throw refuse('has a scheme that is not allowed');
  return short.test(text) ? { text, local: false } : undefined;
}

/** The repository that a `.gitmodules` names, seen from the repository it is in. */
export function submoduleUrl(text: string, parent: RepositoryUrl): RepositoryUrl {
  const url = /^\.\.?\//.test(text) ? { text: relativeTo(parent.text, text), local: parent.local } : parseRepository(text);
  if (url === undefined || (url.local && !parent.local)) {
    throw new PortkitError('PK3207', `A submodule of ${parent.text} is named by a path of this machine`);
  }
  return parseRepository(url.text) ?? url;
}

/** Each `../` takes one name off the end of the parent, as git does it. */
function relativeTo(parent: string, relative: string): string {
  let base = parent.replace(/\/+$/, '');
  let rest = relative;
  for (;;) {
    if (rest.startsWith('./')) rest = rest.slice(2);
    else if (rest.startsWith('../')) {
      const cut = base.lastIndexOf('/');
      if (cut < 0 || base.slice(0, cut).endsWith('/')) break;
      base = base.slice(0, cut);
      rest = rest.slice(3);
    } else return `${base}/${rest}`;
  }
  throw new PortkitError('PK3207', `A submodule of ${parent} leads above the server`);
}
