import type { Descriptor } from '../model/descriptor.ts';
import { refName } from './files.ts';

/** The entries of `index.json`. */
export type Entries = readonly Descriptor[];

/** The name of an entry. */
export function entryName({ annotations }: Descriptor): string | undefined {
  return annotations?.[refName];
}

/** Entries with one more manifest, and without those that are found through it now. */
export function withManifest(entries: Entries, descriptor: Descriptor, found: Entries): Entries {
  const others = entries.filter((entry) => !found.includes(entry));
  const listed = others.some(({ digest }) => digest === descriptor.digest);
  return inOrder(listed ? others : [...others, nameless(descriptor)]);
}

/**
 * Entries with a name for a manifest. What had the name before is only still listed when it refers to something, since
 * only the list says so.
 */
export function withTag(
  entries: Entries,
  descriptor: Descriptor,
  { name, referring }: { readonly name: string; readonly referring: Entries },
): Entries {
  const named = { ...descriptor, annotations: { ...descriptor.annotations, [refName]: name } };
  const others = entries.filter((entry) => {
    const its = entryName(entry);
    return its !== name && (its !== undefined || entry.digest !== descriptor.digest);
  });
  const known = new Set([named, ...others].map(({ digest }) => digest));
  return inOrder([...others, ...referring.filter(({ digest }) => !known.has(digest)).map(nameless), named]);
}

/** Entries without a name; what had it is only known by its digest then. */
export function withoutTag(entries: Entries, name: string): Entries {
  const [named, others] = [
    entries.filter((entry) => entryName(entry) === name),
    entries.filter((entry) => entryName(entry) !== name),
  ];
  const known = new Set(others.map(({ digest }) => digest));
  return inOrder([...others, ...named.filter(({ digest }) => !known.has(digest)).map(nameless)]);
}

function nameless({ annotations, ...descriptor }: Descriptor): Descriptor {
  const { [refName]: _, ...others } = annotations ?? {};
  return Object.keys(others).length === 0 ? descriptor : { ...descriptor, annotations: others };
}

/** By name, the nameless ones last, and by digest: programs that only look at the first entry find one with a name. */
export function inOrder(entries: Entries): Entries {
  const key = (entry: Descriptor) => [entryName(entry) === undefined ? '1' : `0${entryName(entry)}`, entry.digest].join('\0');
  return entries.toSorted((a, b) => (key(a) < key(b) ? -1 : 1));
}
