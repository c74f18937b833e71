import type { Path } from './findings.ts';

/** A text that names the result of a step, and where in the step it stands. */
export interface Reference {
  readonly text: string;
  readonly path: Path;
}

/** Every reference of a step. Asks nothing of the step's form, so that steps with other faults are searched too. */
export function referencesOf(step: unknown): readonly Reference[] {
  const { exec, tree, merge, ...rest } = table(step);
  const { inputs, root } = table(exec);
  const found = [
    ...Object.entries(table(inputs)).flatMap(([name, value]) => text(value, ['exec', 'inputs', name])),
    ...(root === 'host' ? [] : text(root, ['exec', 'root'])),
    ...list(merge).flatMap((value, at) => text(value, ['merge', at])),
    ...list(tree).flatMap((edit, at) => {
      const { copy, from } = table(edit);
      return [...text(copy, ['tree', at, 'copy']), ...text(from, ['tree', at, 'from'])];
    }),
  ];
  for (const kind of ['extract', 'archive', 'compress', 'decompress'])
    found.push(...text(table(rest[kind])['from'], [kind, 'from']));
  return found;
}

/** `step:NAME` or `step:NAME[CELL]` in its parts; undefined when it is no reference to a step. */
export function stepReference(reference: string): { readonly name: string; readonly cell: string | undefined } | undefined {
  const [, name, cell] = /^step:([^[\]]+)(?:\[([^[\]]*)\])?$/.exec(reference) ?? [];
  return name === undefined ? undefined : { name, cell };
}

function text(value: unknown, path: Path): readonly Reference[] {
  return typeof value === 'string' ? [{ text: value, path }] : [];
}

function table(value: unknown): Readonly<Record<string, unknown>> {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- any object can be asked for any key
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Record<string, unknown>) : {};
}

function list(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}
