import type { Ref } from '../../base/ref.ts';
import type { SbomSource, SbomSpec, SourceOrigin } from '../../graph/postprocess-ops.ts';
import { sorted, sourcesOf } from '../../graph/sources.ts';
import { wantedOf } from '../../ops/deb/wanted.ts';
import type { LockedWorld } from '../../ops/deb/wanted.ts';
import { parseSource } from '../../ops/fetch/url.ts';
import { pinnedDigest } from '../../ops/image/pin.ts';
import type { FoundSource } from './inventory.ts';

/** What was fetched, with the digests that the definition and the lock pin it to. */
export function pinnedSources({ sources = [], origins }: SbomSpec, lock: LockedWorld): readonly SbomSource[] {
  return origins === undefined ? sources : sorted(origins.flatMap(({ op }) => pinned(op, lock)));
}

/** Everything that was taken from outside: besides what was fetched, files of the client, as they were taken. */
export function foundSources(spec: SbomSpec, lock: LockedWorld, inputs: readonly Ref[]): readonly FoundSource[] {
  const locals = (spec.origins ?? []).flatMap(({ op, input = -1 }): readonly FoundSource[] => {
    const taken = inputs[input];
    if (op.type !== 'local' || taken === undefined) return [];
    const source = { name: op.path, url: `local:${op.path}` };
    return [taken.kind === 'blob' ? { ...source, digest: taken.digest } : { ...source, tree: taken.digest }];
  });
  return sorted([...pinnedSources(spec, lock), ...locals]);
}

function pinned(op: SourceOrigin['op'], lock: LockedWorld): readonly SbomSource[] {
  const said = sourcesOf(op);
  if (op.type === 'deb')
    return wantedOf(op, lock).map(({ name, digest }, at) => {
      const source = said[at] ?? { name, url: '' };
      // What stands for another package is known by the name that was chosen.
      const chosen = source.name === name ? source : { name, url: source.url.replace(/[^/]+$/, encodeURIComponent(name)) };
      return digest === undefined ? chosen : { ...chosen, digest };
    });
  const digest = digestOf(op, lock);
  return said.map((source) => (source.digest === undefined && digest !== undefined ? { ...source, digest } : source));
}

function digestOf(op: Exclude<SourceOrigin['op'], { type: 'deb' }>, { pin }: LockedWorld): string | undefined {
  if (op.type === 'fetch') return pin?.get(parseSource(op.url).url.href);
  return op.type === 'image' ? pinnedDigest(op, pin) : undefined;
}
