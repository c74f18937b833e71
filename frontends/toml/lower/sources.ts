import { posix } from 'node:path';
import type { DebSpec, FetchSpec, GitSpec, ImageSpec, LocalSpec } from '../../../src/graph/source-ops.ts';
import type { Step } from '../schema/definition.ts';
import type { Complain } from './complain.ts';
import { bytes, given } from './complain.ts';

type Of<K extends keyof Step> = NonNullable<Step[K]>;

/** `fetch = { … }`. */
export function fetch(step: Of<'fetch'>, complain: Complain): FetchSpec {
  const { url, sha256, sha512, mirrors, max_size: maxSize, signature } = step;
  if (sha256 !== undefined && sha512 !== undefined)
    complain(['fetch', 'sha512'], 'a fetch is pinned by sha256 or by sha512, not by both');
  const digest = sha256 === undefined ? sha512 && `sha512:${sha512}` : `sha256:${sha256}`;
  return {
    type: 'fetch',
    url,
    ...given({ digest, mirrors, maxSize: bytes(maxSize, ['fetch', 'max_size'], complain), signature }),
  };
}

/** `local = "DIR"` or `local = { … }`; paths begin at the folder of the file that has them. */
export function local(step: Of<'local'>, folder: string): LocalSpec {
  const { path, ...rest } = typeof step === 'string' ? { path: step } : step;
  return { type: 'local', path: below(folder, path), ...rest };
}

/** A path in an included file as one that begins at the definition's folder. */
function below(folder: string, path: string): string {
  return folder === '' || path.startsWith('/') ? path : posix.join(folder, path);
}

/** `git = { … }`. */
export function git(step: Of<'git'>): GitSpec {
  return { type: 'git', ...step };
}

/** `image = { … }`. */
export function image({ layout, ...rest }: Of<'image'>, folder: string, complain: Complain): ImageSpec {
  if (layout !== undefined && rest.transport !== undefined)
    complain(['image', 'transport'], 'an image of a layout is in no registry, and takes no transport');
  return { type: 'image', ...rest, ...given({ layout: layout && below(folder, layout) }) };
}

/** `deb = { … }`; a package may be written `name=version`. */
export function deb({ packages, architecture }: Of<'deb'>): DebSpec {
  const all = packages.map((entry) => {
    if (typeof entry !== 'string') return entry;
    const [, name = entry, version] = /^([^=]*)=(.*)$/.exec(entry) ?? [];
    return { name, ...given({ version }) };
  });
  return { type: 'deb', packages: all, ...given({ architecture }) };
}
