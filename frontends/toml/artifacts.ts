import { defaultCacheRoot } from '../../src/artifacts/model/artifact.ts';
import type { Artifact, BackendConfig, Variant, VariantBuild } from '../../src/artifacts/model/artifact.ts';
import { checkArtifacts, wrongEndpoint } from '../../src/artifacts/model/check.ts';
import type { Finding, Path, Place } from './findings.ts';
import type { Plan } from './plan.ts';
import { resolveStep } from './plan.ts';
import type { ArtifactTable, BackendTable, ControlPlaneTable } from './schema/port.ts';
import type { Named, Tables } from './tables.ts';
import type { Complaint, Scope } from './variables.ts';
import { expand, known } from './variables.ts';
import { quote, showPath } from './words.ts';

type VariantTable = NonNullable<ArtifactTable['variants']>[number];

/** What the name of a step is looked up in, and what its variables mean; `${matrix.…}` is the selector. */
export interface StepNames {
  readonly plan: Plan;
  readonly scope: Scope;
}

/** A step of a variant that is not there, and where it was named. */
interface Missing {
  readonly complaint: Complaint;
  readonly at: Path;
}

/** Port's artifacts, with the steps that build them; the tables have passed the schema. */
export function artifactsOf(
  tables: Tables,
  work: StepNames,
): { readonly artifacts: readonly Artifact[]; readonly findings: readonly Finding[] } {
  const kinds = [
    ...[...tables.kernels.values()].map((named) => ({ kind: 'kernel' as const, named })),
    ...[...tables.guestImages.values()].map((named) => ({ kind: 'guest-image' as const, named })),
  ];
  const made = kinds.map(({ kind, named }) => ({ named, ...artifactOf(kind, named, work) }));
  const artifacts = made.map(({ artifact }) => artifact);
  const place = (index: number, at: Path): Place => below(kinds[index]?.named, at);
  const findings = made.flatMap(({ named, missing }) =>
    missing.map(({ complaint, at }) => {
      const where = below(named, at);
      return { ...complaint, message: `${showPath(where.path)}: ${complaint.message}`, place: where };
    }),
  );
  const faults = checkArtifacts(artifacts).map(({ code, message, artifact, at, other }): Finding => {
    const where = place(artifact, at);
    const related = other && [{ message: 'is here already', place: place(other.artifact, other.at) }];
    return { code, message: `${showPath(where.path)}: ${message}`, place: where, ...(related && { related }) };
  });
  return { artifacts, findings: [...findings, ...faults, ...controlPlaneFindings(tables)] };
}

function controlPlaneFindings({ controlPlanes }: Tables): readonly Finding[] {
  return [...controlPlanes.values()].flatMap((named) => {
    const message = wrongEndpoint((named.value as ControlPlaneTable).endpoint);
    const where = below(named, ['endpoint']);
    return message === undefined ? [] : [{ code: 'PK1103', message: `${showPath(where.path)}: ${message}`, place: where }];
  });
}

function below(named: Named | undefined, at: Path): Place {
  if (named === undefined) throw new Error('A fault was found in no artifact');
  return { document: named.place.document, path: [...named.place.path, ...at], at: 'value' };
}

function artifactOf(
  kind: Artifact['kind'],
  { name, value }: Named,
  work: StepNames,
): { readonly artifact: Artifact; readonly missing: readonly Missing[] } {
  const { reference, distribution = {}, variants = [] } = value as ArtifactTable;
  const { cache_root: cacheRoot = defaultCacheRoot, push, pull } = distribution;
  const missing: Missing[] = [];
  const read = variants.map((table, index) =>
    variantOf(table, work, (key, complaint) => missing.push({ complaint, at: ['variants', index, 'build', key] })),
  );
  const places = { ...(push && { push: backendOf(push) }), ...(pull && { pull: backendOf(pull) }) };
  return { artifact: { kind, name, reference, cacheRoot, ...places, variants: read }, missing };
}

function backendOf(table: BackendTable): BackendConfig {
  if (table.backend !== 'oci-registry') return table;
  const { tag_form: tagForm, ...rest } = table;
  return { ...rest, ...(tagForm !== undefined && { tagForm }) };
}

function variantOf(
  { path, selector, build }: VariantTable,
  { plan, scope }: StepNames,
  complain: (key: keyof VariantBuild, complaint: Complaint) => void,
): Variant {
  const cell = { values: new Map(Object.entries(selector)), label: '' };
  /** The step in the cell of the selector, as the graph names it. */
  const stepOf = (key: keyof VariantBuild, text: string): string => {
    const complaints: Complaint[] = [];
    const step = expand(text, { ...scope, cell: cell.values }, (complaint) => complaints.push(complaint));
    for (const complaint of complaints) complain(key, complaint);
    if (complaints.length > 0) return '';
    const planned = plan.steps.get(step);
    const found: number | Complaint =
      planned === undefined
        ? { code: 'PK1104', message: `there is no step ${quote(step)}`, hint: known('steps', plan.steps.keys(), step) }
        : resolveStep(plan, `step:${step}`, cell);
    if (typeof found !== 'number') complain(key, found);
    const label = [...(planned?.positions ?? [])].find(([, position]) => position === found)?.[0] ?? '';
    return step + label;
  };
  if (build === undefined) return { path, selector };
  const step = stepOf('step', build.step);
  return { path, selector, build: { step, ...(build.initrd !== undefined && { initrd: stepOf('initrd', build.initrd) }) } };
}
