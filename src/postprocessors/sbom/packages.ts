import { PortkitError } from '../../base/errors.ts';
import type { InstalledPackage } from './inventory.ts';

/** Packages of one tree; Debian has 65,000 in all. */
export const mostPackages = 100_000;

/** A database that may come from anybody. */
export interface Database {
  /** As messages name it. */
  readonly shown: string;
  readonly text: string;
}

/** What is installed by a status file of dpkg (dpkg.status(5)); `isAll` when entries do not say so, as in status.d. */
export function readDpkg({ shown, text }: Database, isAll = false): readonly InstalledPackage[] {
  const packages: InstalledPackage[] = [];
  for (const fields of paragraphs(text, /^([A-Za-z0-9-]{1,64}):[ \t]*(.*)$/)) {
    const name = fields.get('package');
    if (name === undefined) continue;
    const status = fields.get('status') ?? (isAll ? 'installed' : '');
    if (!/(?:^| )installed$/.test(status)) continue;
    packages.push(checked({ manager: 'deb', name, ...versioned(fields, ['version', 'architecture']) }, shown));
    if (packages.length > mostPackages) throw malformed(shown, `it has more than ${mostPackages} packages`);
  }
  return packages;
}

/** What is installed by the database of apk (apk-installed, "v2"). */
export function readApk({ shown, text }: Database): readonly InstalledPackage[] {
  const packages: InstalledPackage[] = [];
  for (const fields of paragraphs(text, /^([A-Za-z]):(.*)$/, 'exact')) {
    const name = fields.get('P');
    if (name === undefined) continue;
    const license = fields.get('L')?.trim();
    const one = { manager: 'apk' as const, name, ...versioned(fields, ['V', 'A']) };
    packages.push(checked({ ...one, ...(license !== undefined && license !== '' && { license: shortened(license) }) }, shown));
    if (packages.length > mostPackages) throw malformed(shown, `it has more than ${mostPackages} packages`);
  }
  return packages;
}

function versioned(
  fields: ReadonlyMap<string, string>,
  [version, architecture]: readonly [string, string],
): Pick<InstalledPackage, 'version' | 'architecture'> {
  return { version: fields.get(version) ?? '', architecture: fields.get(architecture) ?? '' };
}

/** Paragraphs of lines `name: value`; of two with one name the first counts, and continued lines are passed over. */
function* paragraphs(
  text: string,
  line: RegExp,
  names: 'exact' | 'any-case' = 'any-case',
): Generator<ReadonlyMap<string, string>> {
  let fields = new Map<string, string>();
  for (const one of text.split('\n')) {
    if (one.trim() === '') {
      if (fields.size > 0) yield fields;
      fields = new Map();
      continue;
    }
    const [, name, value] = line.exec(one) ?? [];
    if (name === undefined || value === undefined) continue;
    const key = names === 'exact' ? name : name.toLowerCase();
    if (!fields.has(key)) fields.set(key, value.trim());
  }
  if (fields.size > 0) yield fields;
}

/** Names and versions become identifiers and parts of URLs, so they have the form that the package managers ask for. */
function checked(one: InstalledPackage, shown: string): InstalledPackage {
  if (!/^[A-Za-z0-9][A-Za-z0-9+._-]{0,199}$/.test(one.name)) throw malformed(shown, `${quote(one.name)} is no name of a package`);
  if (!/^[A-Za-z0-9][A-Za-z0-9.+~:_-]{0,199}$/.test(one.version))
    throw malformed(shown, `${quote(one.version)} is no version of ${one.name}`);
  if (!/^[A-Za-z0-9][A-Za-z0-9_-]{0,49}$/.test(one.architecture))
    throw malformed(shown, `${quote(one.architecture)} is no architecture of ${one.name}`);
  return one;
}

/** What people wrote, without what cannot be shown. */
function shortened(text: string): string {
  return text
    .replaceAll(/\p{Cc}/gu, ' ')
    .toWellFormed()
    .slice(0, 500);
}

function quote(text: string): string {
  return JSON.stringify(text.slice(0, 100));
}

/** The error for a database that its program would not have written (PK4104). */
export function malformed(shown: string, why: string): PortkitError {
  return new PortkitError('PK4104', `The package database ${shown} is malformed: ${why}`);
}
