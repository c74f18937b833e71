import type { Descriptor } from '../model/descriptor.ts';
import type { Manifest } from '../model/manifest.ts';
import { refName } from './files.ts';

/** The entries of `index.json`. */
export type Entries = readonly Descriptor[];

/** The name of an entry. */
export function entryName({ annotations }: Descriptor): string | undefined {
  return annotations?.[refName];
}

/** Entries with one more manifest: those that it names, and that have no name of their own, are found through it now. */
export function withManifest(entries: Entries, descriptor: Descriptor, manifest: Manifest): Entries {
  const inner = new Set(manifest.kind === 'index' ? manifest.manifests.map(({ digest }) => digest) : []);
  const others = entries.filter((entry) => !inner.has(entry.digest) || entryName(entry) !== undefined);
  const listed = others.some(({ digest }) => digest === descriptor.digest);
  return sorted(listed ? others : [...others, nameless(descriptor)]);
}

/**
 * Entries with a name for a manifest. What had the name before is only still listed when it refers to something, since
 * only the list says so.
 */
export function withTag(
  entries: Entries,
  descriptor: Descriptor,
  tag: { name: string; refers(entry: Descriptor): boolean },
): Entries {
  const named = { ...descriptor, annotations: { ...descriptor.annotations, [refName]: tag.name } };
  const before = entries.filter((entry) => entryName(entry) === tag.name && entry.digest !== descriptor.digest);
  const others = entries.filter((entry) => {
    const name = entryName(entry);
    return name !== tag.name && (name !== undefined || entry.digest !== descriptor.digest);
  });
  const kept = before.filter((entry) => tag.refers(entry) && !others.some(({ digest }) => digest === entry.digest));
  return sorted([...others, ...kept.map(nameless), named]);
}

function nameless({ annotations, ...descriptor }: Descriptor): Descriptor {
  const { [refName]: _, ...others } = annotations ?? {};
  return Object.keys(others).length === 0 ? descriptor : { ...descriptor, annotations: others };
}

/** By name, the nameless ones last, and by digest: programs that only look at the first entry find one with a name. */
function sorted(entries: Entries): Entries {
  const key = (entry: Descriptor) => [entryName(entry) === undefined ? '1' : `0${entryName(entry)}`, entry.digest].join('\0');
  return entries.toSorted((a, b) => (key(a) < key(b) ? -1 : 1));
}
