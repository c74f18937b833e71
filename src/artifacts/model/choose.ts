import { PortkitError } from '../../base/errors.ts';
import { suggest } from '../../base/suggest.ts';
import type { Artifact } from './artifact.ts';
import type { Chosen } from './paths.ts';
import { parseReference, showReference } from './reference.ts';
import { refuseResearchOnly, showSelector } from './selector.ts';
import type { Selector } from './selector.ts';

/** The artifact of a name, or of a whole reference; PK3903 lists those that there are. */
export function findArtifact(artifacts: readonly Artifact[], named: string): Artifact {
  const wanted = named.includes('/') ? showReference(parseReference(named)) : named;
  const found = artifacts.filter(({ name, reference }) => name === wanted || showReference(reference) === wanted);
  const [only, second] = found;
  if (only !== undefined && second === undefined) return only;
  const names = artifacts.map(({ name }) => name);
  if (second !== undefined) {
    throw new PortkitError('PK3903', `${JSON.stringify(named)} is the name of a kernel and of a guest image`, {
      hint: `Name the reference: ${found.map(({ reference }) => showReference(reference)).join(' or ')}`,
    });
  }
  const near = suggest(named, names);
  throw new PortkitError('PK3903', `There is no artifact ${JSON.stringify(named.slice(0, 200))}`, {
    hint: near !== undefined ? `Did you mean "${near}"?` : `There ${names.length === 0 ? 'is none' : `are: ${names.join(', ')}`}`,
  });
}

/** The variant of a selector, and never another in its place: PK3903 lists those that there are. */
export function findVariant(artifact: Artifact, selector: Selector): Chosen {
  const wanted = showSelector(selector);
  const variant = artifact.variants.find((one) => showSelector(one.selector) === wanted);
  if (variant !== undefined) return { artifact, variant };
  const there = artifact.variants.map((one) => showSelector(one.selector));
  throw new PortkitError('PK3903', `The ${artifact.kind} artifact '${artifact.name}' has no variant ${wanted}`, {
    hint: there.length === 0 ? 'It has no variants' : `It has: ${there.join(', ')}`,
  });
}

/** Every variant of some artifacts; one that is research-only is refused (PK3904) before any of them is worked on. */
export function everyVariant(artifacts: readonly Artifact[]): readonly Chosen[] {
  const all = artifacts.flatMap((artifact) => artifact.variants.map((variant) => ({ artifact, variant })));
  for (const { variant } of all) refuseResearchOnly(variant.selector);
  return all;
}
