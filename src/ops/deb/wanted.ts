import type { Digest } from '../../base/digest.ts';
import { PortkitError } from '../../base/errors.ts';
import type { DebSpec } from '../../graph/source-ops.ts';
import type { AptPackage } from './apt.ts';
import { pinName, pinOf } from './pin.ts';

/** A package, or with `depends` one that stands for a package that nobody has chosen yet. */
export type Wanted = AptPackage & { readonly pinName: string; readonly digest: Digest | undefined; readonly depends?: string };

/** What says which packages are meant. */
export interface LockedWorld {
  /** Debian's name of the architecture, when the step says none. */
  readonly architecture: string;
  /** The lock; a package is named there as `deb:name=version:architecture`, and one that was chosen for another as `deb:name>chosen:architecture`. */
  readonly pin?: { get(name: string): Digest | undefined; starting?(prefix: string): readonly string[] };
}

/** What a package may be called. */
export const packageName = /^[a-z0-9][a-z0-9+.-]+$/;

/** The packages of a step, with the names and digests that the lock has for them. */
export function wantedOf({ packages, architecture }: Omit<DebSpec, 'type'>, world: LockedWorld): readonly Wanted[] {
  const target = checkedWord(architecture ?? world.architecture, /^[a-z][a-z0-9-]*$/, 'architecture');
  return packages.map(({ name, version, sha256, depends }) => {
    checkedWord(name, packageName, 'name');
    if (version !== undefined) checkedWord(version, /^[0-9][0-9A-Za-z.+:~-]*$/, 'version');
    if (depends !== undefined) {
      if (version === undefined && sha256 === undefined) return chosenFor({ name, depends, architecture: target }, world);
      throw new PortkitError('PK1004', `Of the package ${name}, both what it depends on and a version or digest is given`, {
        hint: 'A package that is found by depends is pinned by the lock',
      });
    }
    const pinned = pinName({ name, ...(version !== undefined && { version }) }, target);
    const digest = sha256 === undefined ? world.pin?.get(pinned) : pinOf(sha256);
    return { name, architecture: target, pinName: pinned, digest, ...(version === undefined ? {} : { version }) };
  });
}

/** The package that the lock says was chosen for another. */
function chosenFor({ name, depends, architecture }: AptPackage & { readonly depends: string }, { pin }: LockedWorld): Wanted {
  const [begin, end] = [`deb:${name}>`, `:${architecture}`];
  const known = pin?.starting?.(begin).find((one) => one.endsWith(end));
  if (known === undefined) return { name, depends, architecture, pinName: `${begin}${depends}${end}`, digest: undefined };
  const chosen = checkedWord(known.slice(begin.length, -end.length), packageName, 'name');
  return { name: chosen, architecture, pinName: known, digest: pin?.get(known) };
}

/** A word of a definition that becomes one of a command or URL (PK3207). */
export function checkedWord(text: string, form: RegExp, what: string): string {
  if (form.test(text) && text.length <= 200) return text;
  throw new PortkitError('PK3207', `${JSON.stringify(text.slice(0, 100))} is no ${what} of a Debian package`);
}
