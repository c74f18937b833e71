import { PortkitError } from '../../base/errors.ts';
import { entryName } from '../layout/entries.ts';
import type { Entries } from '../layout/entries.ts';
import type { LayoutSource } from '../layout/files.ts';
import { isOciDigest } from '../model/digest.ts';
import { readManifest } from '../model/read.ts';

/** What is meant when a layout is named and nothing in it: its only entry that refers to no other (PK4001 otherwise). */
export async function onlyName(source: LayoutSource, signal: AbortSignal): Promise<string> {
  const roots = await source.roots(signal);
  const named = namesOf(roots);
  const [first, ...others] = named.length > 0 ? named : await independent(source, signal);
  if (first !== undefined && others.length === 0) return first;
  const what = first === undefined ? 'holds nothing' : 'holds several';
  throw new PortkitError('PK4001', `${source.shown} ${what}, and no name is said`, {
    hint: first === undefined ? 'Name another place' : `Name one of: ${list([first, ...others])}`,
  });
}

/** Says which tags a layout has when it lacks the one that was said (PK4001); digests may be those of blobs, which nothing names. */
export async function requireName(source: LayoutSource, name: string, signal: AbortSignal): Promise<void> {
  if (isOciDigest(name) || (await source.resolve(name, signal)) !== undefined) return;
  const named = namesOf(await source.roots(signal));
  throw new PortkitError('PK4001', `${source.shown} has nothing of the name ${JSON.stringify(name.slice(0, 200))}`, {
    hint: named.length === 0 ? 'What is in it has no names: leave the name out' : `It has: ${list(named)}`,
  });
}

function namesOf(roots: Entries): readonly string[] {
  return [...new Set(roots.flatMap((entry) => entryName(entry) ?? []))];
}

function list(names: readonly string[]): string {
  return names.slice(0, 20).join(', ');
}

async function independent(source: LayoutSource, signal: AbortSignal): Promise<readonly string[]> {
  const found: string[] = [];
  for (const entry of await source.roots(signal)) {
    const { subject } = await readManifest(source, entry, signal);
    if (subject === undefined) found.push(entry.digest);
  }
  return found;
}
