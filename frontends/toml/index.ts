import type { Definition, Frontend, FrontendContext, Source } from '../../src/graph/frontend.ts';
import type { Location, Vertex } from '../../src/graph/graph.ts';
import type { Problem } from '../../src/graph/problem.ts';
import { problemsError } from '../../src/graph/problem.ts';
import { withSources } from '../../src/graph/sources.ts';
import { validate } from '../../src/graph/validate.ts';
import type { artifactsOf, StepNames } from './artifacts.ts';
import type { Document, Finding } from './findings.ts';
import { stepHeads } from './heads.ts';
import { readFiles } from './include.ts';
import type { Plan } from './plan.ts';
import { planSteps } from './plan.ts';
import { fitsDefinition } from './schema/fits.ts';
import { scopeOf } from './scope.ts';
import type { Tables } from './tables.ts';
import { mergeTables } from './tables.ts';
import { targetsOf } from './targets.ts';
import type { Made, Misfit } from './vertices.ts';
import { makeVertices } from './vertices.ts';

/** Reads `portkit.toml`: text to graph and artifacts, every problem told at once with its line and column. */
export const toml: Frontend = { load };

async function load(source: Source, context: FrontendContext): Promise<Definition> {
  const files = readFiles(source, context);
  const misfits = files.documents
    .filter(({ value }) => !fitsDefinition(value))
    .map((document) => ({ document, value: document.value }));
  const shape = await shapeOf(misfits);
  const written = mergeTables(files.documents);
  const { scope, findings } = scopeOf(written, context, source.path);
  const whole = shape.length + files.lost.size === 0;
  const { tables, plan, postprocessed, findings: postprocessFindings } = await plannedSteps(written, whole);
  if (plan.tooLarge !== undefined) return refuse([plan.tooLarge], [], files.texts);
  const work = { plan, scope, broken: brokenSteps(shape), lost: files.lost };
  const made = makeVertices(work);
  const targets = targetsOf(tables, { ...work, postprocessed }, made.vertices);
  const graph = { vertices: await located(made), targets: targets.targets };
  const { artifacts, findings: artifactFindings } = whole ? await readArtifacts(tables, work) : noArtifacts;
  const all = [
    ...files.findings,
    ...shape,
    ...tables.findings,
    ...findings,
    ...plan.findings,
    ...postprocessFindings,
    ...made.findings,
    ...(await shapeOf(made.misfits)),
    ...artifactFindings,
    ...targets.findings,
  ];
  const problems = validate(graph).filter((problem) => all.length === 0 || problem.code === 'PK1105');
  if (all.length === 0 && problems.length === 0) return { graph: withSources(graph), artifacts };
  return refuse(all, problems, files.texts);
}

/** The steps with those of the artifacts' postprocessors, which are planned once the others are. */
async function plannedSteps(
  tables: Tables,
  whole: boolean,
): Promise<{
  readonly tables: Tables;
  readonly plan: Plan;
  readonly postprocessed: Iterable<string>;
  readonly findings: readonly Finding[];
}> {
  const plan = planSteps(tables);
  const artifacts = [...tables.kernels.values(), ...tables.guestImages.values()];
  const none = { tables, plan, postprocessed: [], findings: [] };
  if (!whole || plan.tooLarge !== undefined || !artifacts.some(({ value }) => 'postprocess' in Object(value))) return none;
  const { steps, findings } = (await import('./postprocess.ts')).postprocessSteps(tables, plan);
  const all = { ...tables, steps: new Map([...tables.steps, ...steps]) };
  return { tables: all, plan: planSteps(all), postprocessed: steps.keys(), findings };
}

const noArtifacts = { artifacts: [], findings: [] };

/** Most definitions have none, and do not pay for them. */
async function readArtifacts(tables: Tables, work: StepNames): Promise<ReturnType<typeof artifactsOf>> {
  if (tables.kernels.size + tables.guestImages.size + tables.controlPlanes.size === 0) return noArtifacts;
  return (await import('./artifacts.ts')).artifactsOf(tables, work);
}

async function refuse(
  findings: readonly Finding[],
  problems: readonly Problem[],
  texts: ReadonlyMap<string, string>,
): Promise<never> {
  const { locateAll } = await import('./locate.ts');
  throw problemsError([...locateAll(findings), ...problems], (file) => texts.get(file));
}

/** What is wrong with values that do not fit the schema. */
async function shapeOf(misfits: readonly Misfit[]): Promise<readonly Finding[]> {
  if (misfits.length === 0) return [];
  const { shapeFindings } = await import('./issues.ts');
  const findings = misfits.flatMap(({ document, value }) => shapeFindings(document, value));
  if (findings.length === 0) throw new Error('portkit.schema.json refuses what the schema takes: run "make gen"');
  return findings;
}

function brokenSteps(findings: readonly Finding[]): ReadonlySet<string> {
  return new Set(
    findings.flatMap(({ place }) =>
      'path' in place && place.path[0] === 'steps' && place.path[1] !== undefined ? String(place.path[1]) : [],
    ),
  );
}

/** The vertices with where their steps begin. */
async function located({ vertices, origins }: Made): Promise<readonly Vertex[]> {
  const heads = new Map<Document, ReadonlyMap<string, Location>>();
  const places = origins.map(({ name, place: { document } }) => {
    const known = heads.get(document) ?? stepHeads(document.file, document.parsed);
    heads.set(document, known);
    return known.get(name);
  });
  const locate = places.includes(undefined) ? (await import('./locate.ts')).locator() : undefined;
  return vertices.map((vertex, at) => {
    const origin = origins[at];
    const location = places[at] ?? (origin && locate?.(origin.place));
    return { ...vertex, ...(location && { location }) };
  });
}
