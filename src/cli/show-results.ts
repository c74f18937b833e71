import type { Receipt } from '../artifacts/exporter.ts';
import type { Ref } from '../base/ref.ts';
import { showSize } from '../base/units.ts';

/** One line for each target: its digest, what it is and its name; the digests alone when nothing else is wanted. */
export function showTargets(targets: Readonly<Record<string, Ref>>, digestsOnly: boolean): string {
  return Object.entries(targets)
    .map(([name, { kind, digest }]) => (digestsOnly ? digest : `${digest}  ${kind === 'tree' ? 'tree' : 'file'}  ${name}`))
    .join('\n');
}

/** What an exporter did, in one line; and the name of each thing that has one with a digest. */
export function showReceipt({ type, destination, exported, written, unchanged, warnings }: Receipt): string {
  const bytes = exported.reduce((sum, one) => sum + one.bytes, 0);
  const names = exported.map(({ target }) => target).join(', ');
  const lines = [`${type} ${destination}: ${names} (${showSize(bytes)}; ${written} written, ${unchanged} unchanged)`];
  // What has a digest of its own is what others ask for; that of its target is the store's.
  const named = exported.filter(({ path }) => /@sha(?:256|512):[0-9a-f]+$/.test(path)).map(({ path }) => `  ${path}`);
  return [...lines, ...named, ...warnings.map((warning) => `warning: ${warning}`)].join('\n');
}
