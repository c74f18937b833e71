import { maxVertices } from '../../src/graph/limits.ts';
import type { Finding } from './findings.ts';
import type { Cell } from './matrix.ts';
import { labelOn, matrixOf } from './matrix.ts';
import { referencesOf, stepReference } from './references.ts';
import { axisNames } from './schema/axes.ts';
import type { Named, Tables } from './tables.ts';
import type { Complaint } from './variables.ts';
import { axesIn, known } from './variables.ts';
import { quote, showPath } from './words.ts';

/** One step of the text, and the vertices it becomes: one for each of its cells. */
export interface PlannedStep extends Named {
  readonly axes: ReadonlySet<string>;
  readonly cells: readonly Cell[];
  /** Positions in the graph by the label of the cell. */
  readonly positions: ReadonlyMap<string, number>;
}

/** All steps with their places in the graph. */
export interface Plan {
  readonly steps: ReadonlyMap<string, PlannedStep>;
  readonly count: number;
  readonly findings: readonly Finding[];
  /** Set when the plan was given up. */
  readonly tooLarge?: Finding;
}

/** Decides which axes each step has, and numbers the vertices. */
export function planSteps(tables: Tables): Plan {
  const cellsOver = matrixOf(tables.matrix);
  const present = new Set(axisNames.filter((axis) => tables.matrix[axis] !== undefined));
  const axes = axesOfSteps(tables, present);
  const steps = new Map<string, PlannedStep>();
  const findings: Finding[] = [];
  let count = 0;
  for (const step of tables.steps.values()) {
    const own = axes.get(step.name) ?? new Set();
    const cells = cellsOver(own);
    const positions = new Map(cells.map((cell) => [cell.label, count++]));
    steps.set(step.name, { ...step, axes: own, cells, positions });
    for (const [at, axis] of (declaredAxes(step.value) ?? []).entries()) {
      if (typeof axis !== 'string' || present.has(axis as never)) continue;
      const path = [...step.place.path, 'matrix', at];
      findings.push({
        code: 'PK1109',
        message: `${showPath(path)}: [matrix] has no axis ${quote(axis)}`,
        place: { ...step.place, path, at: 'value' },
      });
    }
    if (count > maxVertices) {
      const message = `the definition has more than ${maxVertices} steps`;
      return { steps, count, findings, tooLarge: { code: 'PK1110', message, place: step.place } };
    }
  }
  return { steps, count, findings };
}

/** The vertex that a reference means in a cell; the complaint when there is none. */
export function resolveStep(plan: Plan, reference: string, cell: Cell): number | Complaint {
  const parts = stepReference(reference);
  const step = parts && plan.steps.get(parts.name);
  if (parts === undefined) return notAReference(plan, reference);
  if (step === undefined) {
    return {
      code: 'PK1104',
      message: `there is no step ${quote(parts.name)}`,
      hint: known('steps', plan.steps.keys(), parts.name),
    };
  }
  const label = parts.cell === undefined ? labelOn(cell, step.axes) : `[${parts.cell}]`;
  const found = step.positions.get(label);
  if (found !== undefined) return found;
  const choices = [...step.positions.keys()].slice(0, 12).map((each) => quote(`step:${step.name}${each}`));
  const message =
    parts.cell === undefined
      ? `the step ${quote(step.name)} is made once for each ${[...step.axes].join(', ')}, and no single one is meant here`
      : `the step ${quote(step.name)} has no cell ${quote(label)}`;
  return { code: 'PK1109', message, hint: choices.length === 0 ? undefined : `name one of ${choices.join(', ')}` };
}

function notAReference(plan: Plan, text: string): Complaint {
  const near = plan.steps.has(text) ? text : undefined;
  return {
    code: 'PK1103',
    message: `${quote(text)} names no step`,
    hint: near === undefined ? 'write "step:NAME" or "local:PATH"' : `did you mean ${quote(`step:${near}`)}?`,
  };
}

/**
 * A step that lists its axes has these. Any other has those that its texts use (`${matrix.…}`) and those of the steps
 * it refers to without naming a cell.
 */
function axesOfSteps(tables: Tables, present: ReadonlySet<string>): ReadonlyMap<string, ReadonlySet<string>> {
  const axes = new Map<string, Set<string>>();
  const users = new Map<string, string[]>();
  if (present.size === 0) return axes;
  for (const { name, value, place } of tables.steps.values()) {
    const declared = declaredAxes(value);
    const used = declared ?? (place.document.variables ? textsIn(value).flatMap(axesIn) : []);
    axes.set(name, new Set(used.filter((axis) => typeof axis === 'string').filter((axis) => present.has(axis))));
    if (declared !== undefined) continue;
    for (const { text } of referencesOf(value)) {
      const parts = stepReference(text);
      if (parts === undefined || parts.cell !== undefined) continue;
      const list = users.get(parts.name) ?? [];
      users.set(parts.name, list);
      list.push(name);
    }
  }
  const changed = [...axes.keys()];
  for (let name = changed.pop(); name !== undefined; name = changed.pop()) {
    const own = axes.get(name) ?? [];
    for (const user of users.get(name) ?? []) {
      const theirs = axes.get(user);
      const before = theirs?.size;
      for (const axis of own) theirs?.add(axis);
      if (theirs?.size !== before) changed.push(user);
    }
  }
  return axes;
}

function declaredAxes(step: unknown): readonly unknown[] | undefined {
  const { matrix } = (typeof step === 'object' && step !== null ? step : {}) as { readonly matrix?: unknown };
  return Array.isArray(matrix) ? matrix : undefined;
}

/** Every text in a value of any depth. */
function textsIn(value: unknown): readonly string[] {
  const texts: string[] = [];
  const rest = [value];
  while (rest.length > 0) {
    const next = rest.pop();
    if (typeof next === 'string') texts.push(next);
    else if (typeof next === 'object' && next !== null) for (const item of Object.values(next)) rest.push(item);
  }
  return texts;
}
