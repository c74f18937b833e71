import { axisNames } from './schema/axes.ts';
import type { Definition } from './schema/definition.ts';

/** One choice of a value for some axes. */
export interface Cell {
  readonly values: ReadonlyMap<string, string>;
  /** `[x86_64,firecracker]` after the name of a step; nothing when no axis is chosen. */
  readonly label: string;
}

/** Values of one axis that are looked at: the schema knows fewer, this bounds what it has refused. */
const most = 10;

/** Answers the cells over some axes: every combination of their values that an allowed cell of the whole matrix has. */
export function matrixOf(matrix: NonNullable<Definition['matrix']>): (axes: ReadonlySet<string>) => readonly Cell[] {
  const excluded = Array.isArray(matrix.exclude) ? matrix.exclude.map((entry) => new Map(Object.entries(entry))) : [];
  const whole = product(axisNames.map((axis) => [axis, valuesOf(matrix[axis])] as const)).filter(
    (values) => !excluded.some((entry) => entry.size > 0 && [...entry].every(([axis, value]) => values.get(axis) === value)),
  );
  const made = new Map<string, readonly Cell[]>();
  const only: readonly Cell[] = [{ values: new Map(), label: '' }];
  return (axes) => {
    if (axes.size === 0) return only;
    const chosen = axisNames.filter((axis) => axes.has(axis));
    const key = chosen.join();
    const cells = made.get(key) ?? project(whole, chosen);
    made.set(key, cells);
    return cells;
  };
}

/** A cell's part on fewer axes, as the label of that part. */
export function labelOn(cell: Cell, axes: ReadonlySet<string>): string {
  if (axes.size === 0) return '';
  return label([...cell.values].flatMap(([axis, value]) => (axes.has(axis) ? [value] : [])));
}

function valuesOf(values: unknown): readonly string[] {
  const all = Array.isArray(values) ? values.filter((value) => typeof value === 'string') : [];
  return [...new Set(all)].slice(0, most);
}

function product(axes: readonly (readonly [string, readonly string[]])[]): readonly ReadonlyMap<string, string>[] {
  return axes.reduce<readonly ReadonlyMap<string, string>[]>(
    (cells, [axis, values]) =>
      values.length === 0 ? cells : cells.flatMap((cell) => values.map((value) => new Map([...cell, [axis, value]]))),
    [new Map()],
  );
}

function project(whole: readonly ReadonlyMap<string, string>[], axes: readonly string[]): readonly Cell[] {
  const cells = new Map<string, Cell>();
  for (const values of whole) {
    const part = new Map(axes.flatMap((axis) => (values.has(axis) ? [[axis, values.get(axis) ?? '']] : [])));
    const name = label([...part.values()]);
    if (!cells.has(name)) cells.set(name, { values: part, label: name });
  }
  return [...cells.values()];
}

function label(values: readonly string[]): string {
  return values.length === 0 ? '' : `[${values.join(',')}]`;
}
