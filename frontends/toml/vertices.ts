import type { Input, Vertex } from '../../src/graph/graph.ts';
import type { Document, Finding, Path } from './findings.ts';
import { shapeFindings } from './issues.ts';
import { local } from './lower/sources.ts';
import { lowerStep } from './lower/step.ts';
import type { Cell } from './matrix.ts';
import type { Plan, PlannedStep } from './plan.ts';
import { resolveStep } from './plan.ts';
import { referencesOf, stepReference } from './references.ts';
import type { Step } from './schema/definition.ts';
import type { Complaint, Scope } from './variables.ts';
import { expand } from './variables.ts';
import { showPath } from './words.ts';

/** What is needed to turn steps into vertices. */
export interface Work {
  readonly plan: Plan;
  readonly scope: Scope;
  /** Steps that the schema refused: searched for references, so that cycles and unknown steps are told, but not lowered. */
  readonly broken: ReadonlySet<string>;
  /** Steps whose tables could not be parsed: references to them are passed over. */
  readonly lost: ReadonlySet<string>;
}

/** Vertices without their places, and the step each comes from (none for a directory that was named in passing). */
export interface Made {
  readonly vertices: readonly Vertex[];
  readonly origins: readonly PlannedStep[];
  readonly findings: readonly Finding[];
}

/** Every vertex of the graph, in the order of the plan; directories named in references come last. */
export function makeVertices(work: Work): Made {
  const vertices: Vertex[] = [];
  const origins: PlannedStep[] = [];
  const passing = new Map<string, { readonly at: number; readonly vertex: Vertex; readonly origin: PlannedStep }>();
  const findings: Finding[] = [];

  /** The input that a reference means. */
  function resolve(reference: string, step: PlannedStep, cell: Cell): Input | Complaint | undefined {
    if (!reference.startsWith('local:')) {
      const found = resolveStep(work.plan, reference, cell);
      if (typeof found === 'number') return { vertex: found, output: 0 };
      return work.lost.has(stepReference(reference)?.name ?? '') ? undefined : found;
    }
    const op = local(reference.slice('local:'.length), step.place.document.folder);
    const name = `local:${op.path}`;
    const known = passing.get(name) ?? { at: passing.size, vertex: { name, op, inputs: [] }, origin: step };
    passing.set(name, known);
    return { vertex: work.plan.count + known.at, output: 0 };
  }

  for (const step of work.plan.steps.values()) {
    for (const cell of step.cells) {
      const { document, path } = step.place;
      const complain = (at: Path, complaint: Complaint): unknown =>
        findings.push(complaintAt(document, [...path, ...at], complaint));
      const broken = work.broken.has(step.name);
      const { value, fine, shape } = substituted(step, { ...work.scope, cell: cell.values }, broken);
      findings.push(...shape);
      const inputs = new Map<string, Input>();
      for (const { text, path: at } of referencesOf(value)) {
        const found = inputs.get(text) ?? resolve(text, step, cell);
        if (found === undefined) continue;
        if ('vertex' in found) inputs.set(text, found);
        else if (!broken || found.code !== 'PK1103') complain(at, found);
      }
      const wired = fine
        ? lowerStep(value as Step, document.folder, (at, message, hint) => complain(at, { code: 'PK1103', message, hint }))
        : undefined;
      vertices.push({
        name: step.name + cell.label,
        op: wired?.op ?? { type: 'merge' },
        inputs: (wired?.inputs ?? [...inputs.keys()]).flatMap((reference) => inputs.get(reference) ?? []),
      });
      origins.push(step);
    }
  }
  for (const { vertex, origin } of passing.values()) {
    vertices.push(vertex);
    origins.push(origin);
  }
  return { vertices, origins, findings };
}

/** A step with its variables in it, and whether it still has the form of a step. */
function substituted(step: PlannedStep, scope: Scope, broken: boolean): Substituted {
  const { document, path } = step.place;
  const shape: Finding[] = [];
  const value = substitute(step.value, [], (text, at) =>
    expand(text, scope, (complaint) => shape.push(complaintAt(document, [...path, ...at], complaint))),
  );
  if (!broken && shape.length === 0 && value !== step.value)
    shape.push(...shapeFindings(document, { steps: { [step.name]: value } }));
  return { value, fine: !broken && shape.length === 0, shape };
}

interface Substituted {
  readonly value: unknown;
  readonly fine: boolean;
  readonly shape: readonly Finding[];
}

function complaintAt(document: Document, path: Path, { message, ...rest }: Complaint): Finding {
  return { ...rest, message: `${showPath(path)}: ${message}`, place: { document, path, at: 'value' } };
}

/** No part of a step is deeper; what is has been refused already. */
const deepest = 16;

/** A value with its texts replaced; the same value when none changes. */
function substitute(value: unknown, path: Path, replace: (text: string, path: Path) => string): unknown {
  if (typeof value === 'string') return value.includes('${') ? replace(value, path) : value;
  if (typeof value !== 'object' || value === null || path.length > deepest) return value;
  const before = Object.entries(value);
  const after = before.map(
    ([key, item]) => [key, substitute(item, [...path, Array.isArray(value) ? Number(key) : key], replace)] as const,
  );
  if (after.every(([, item], at) => item === before[at]?.[1])) return value;
  return Array.isArray(value) ? after.map(([, item]) => item) : Object.fromEntries(after);
}
