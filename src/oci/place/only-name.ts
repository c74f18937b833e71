import { PortkitError } from '../../base/errors.ts';
import { entryName } from '../layout/entries.ts';
import type { LayoutSource } from '../layout/files.ts';
import { readManifest } from '../model/read.ts';

/** What is meant when a layout is named and nothing in it: its only entry that refers to no other (PK4001 otherwise). */
export async function onlyName(source: LayoutSource, signal: AbortSignal): Promise<string> {
  const roots = await source.roots(signal);
  const named = [...new Set(roots.flatMap((entry) => entryName(entry) ?? []))];
  const [first, ...others] = named.length > 0 ? named : await independent(source, signal);
  if (first !== undefined && others.length === 0) return first;
  const what = first === undefined ? 'holds nothing' : 'holds several';
  const all = [first, ...others].slice(0, 20).join(', ');
  throw new PortkitError('PK4001', `${source.shown} ${what}, and no name is said`, {
    hint: first === undefined ? 'Name another place' : `Name one of: ${all}`,
  });
}

async function independent(source: LayoutSource, signal: AbortSignal): Promise<readonly string[]> {
  const found: string[] = [];
  for (const entry of await source.roots(signal)) {
    const { subject } = await readManifest(source, entry, signal);
    if (subject === undefined) found.push(entry.digest);
  }
  return found;
}
