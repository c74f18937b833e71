import type { Input, Vertex } from '../../src/graph/graph.ts';
import type { Document, Finding, Path } from './findings.ts';
import { local } from './lower/sources.ts';
import { lowerStep } from './lower/step.ts';
import type { Cell } from './matrix.ts';
import type { Plan, PlannedStep } from './plan.ts';
import { resolveStep } from './plan.ts';
import { referencesOf, stepReference } from './references.ts';
import type { Step } from './schema/definition.ts';
import { fitsDefinition } from './schema/fits.ts';
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
  /** Steps that no longer fit the schema once their variables are in them. */
  readonly misfits: readonly Misfit[];
}

/** A value that does not fit the schema, as a definition of its own, and the document it stands in. */
export interface Misfit {
  readonly document: Document;
  readonly value: unknown;
}

/** Every vertex of the graph, in the order of the plan; directories named in references come last. */
export function makeVertices(work: Work): Made {
  const vertices: Vertex[] = [];
  const origins: PlannedStep[] = [];
  const passing = new Map<string, { readonly at: number; readonly vertex: Vertex; readonly origin: PlannedStep }>();
  const findings: Finding[] = [];
  const misfits: Misfit[] = [];

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
      const { value, complaints } = substituted(step, { ...work.scope, cell: cell.values });
      for (const complaint of complaints) findings.push(complaint);
      const changed = { steps: { [step.name]: value } };
      const misfit = !broken && complaints.length === 0 && value !== step.value && !fitsDefinition(changed);
      if (misfit) misfits.push({ document, value: changed });
      const inputs = new Map<string, Input>();
      for (const { text, path: at } of referencesOf(value)) {
        const found = inputs.get(text) ?? resolve(text, step, cell);
        if (found === undefined) continue;
        if ('vertex' in found) inputs.set(text, found);
        else if (!broken || found.code !== 'PK1103') complain(at, found);
      }
      const wired =
        !broken && !misfit && complaints.length === 0
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
  return { vertices, origins, findings, misfits };
}

/** A step with its variables in it, and what is wrong with them. */
function substituted(
  { value, place: { document, path } }: PlannedStep,
  scope: Scope,
): { readonly value: unknown; readonly complaints: readonly Finding[] } {
  if (!document.variables) return { value, complaints: [] };
  const complaints: Finding[] = [];
  const replace = (text: string, at: Path): string =>
    expand(text, scope, (complaint) => complaints.push(complaintAt(document, [...path, ...at], complaint)));
  return { value: substitute(value, [], replace), complaints };
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
