import type { Cell } from '../matrix.ts';
import type { Plan } from '../plan.ts';
import { resolveStep } from '../plan.ts';
import { referencesOf, stepReference } from '../references.ts';
import type { Tables } from '../tables.ts';
import type { Complaint } from '../variables.ts';

/** Steps whose result holds that of another step, in another form. */
const wrappers: ReadonlySet<string> = new Set([
  'archive',
  'compress',
  'convert',
  'cpio',
  'disk',
  'ext4',
  'rewrite_timestamps',
  'verity',
]);

/** A reference with the cell that it means in one; what still has variables in it is left as it is. */
export function inCell(reference: string, cell: Cell, plan: Plan): string | Complaint {
  const parts = stepReference(reference);
  if (parts === undefined || reference.includes('${')) return reference;
  const found = resolveStep(plan, reference, cell);
  if (typeof found !== 'number') return found;
  const positions = [...(plan.steps.get(parts.name)?.positions ?? [])];
  return `step:${parts.name}${positions.find(([, position]) => position === found)?.[0] ?? ''}`;
}

/**
 * What is in the result of a variant, by the names of the steps: of an image its tree, of a disk the trees of its partitions.
 * What cannot be looked through is told of as the file that it is.
 */
export function contentsOf(
  { built, initrd, cell }: { readonly built: string; readonly initrd: string | undefined; readonly cell: Cell },
  { plan, tables }: { readonly plan: Plan; readonly tables: Tables },
): ReadonlyMap<string, string> {
  const found = new Map<string, string>();
  const seen = new Set<string>();
  const rest = [built, ...(initrd === undefined ? [] : [initrd])];
  for (let next = rest.shift(); next !== undefined; next = rest.shift()) {
    if (seen.has(next)) continue;
    seen.add(next);
    const name = stepReference(next)?.name;
    const inside = name === undefined ? [] : insideOf(tables.steps.get(name)?.value);
    const meant = inside.map((text) => inCell(text, cell, plan));
    if (meant.length > 0 && meant.every((one): one is string => typeof one === 'string' && !one.includes('${')))
      rest.push(...meant);
    else found.set(next.replace(/^(?:step|local):/, ''), next);
  }
  return found;
}

function insideOf(step: unknown): readonly string[] {
  return referencesOf(step).flatMap(({ text, path }) => (wrappers.has(String(path[0])) ? text : []));
}
