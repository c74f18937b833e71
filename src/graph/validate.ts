import { never } from '../base/exhaustive.ts';
import type { Graph, Input, Location, Vertex } from './graph.ts';
import type { OciSpec } from './postprocess-ops.ts';
import type { DeploySpec, ExternalSpec } from './program-ops.ts';
import { layoutInput, moduleInput } from './program-ops.ts';
import type { Problem } from './problem.ts';
import { walkAll } from './walk.ts';

/** Every problem of a graph at once; none means that it can be solved. */
export function validate(graph: Graph): readonly Problem[] {
  return [
    ...duplicates(graph),
    ...graph.vertices.flatMap((vertex) => wiring(graph, vertex)),
    ...targets(graph),
    ...deployments(graph),
    ...cycles(graph),
  ];
}

function duplicates(graph: Graph): readonly Problem[] {
  const problems: Problem[] = [];
  const first = new Map<string, Vertex>();
  for (const vertex of graph.vertices) {
    const { name, location } = vertex;
    const earlier = first.get(name);
    if (name === '') problems.push({ code: 'PK1103', message: 'a step has no name', location });
    else if (earlier === undefined) first.set(name, vertex);
    else problems.push({ code: 'PK1106', message: `two steps are named "${name}"`, location, related: also(earlier.location) });
  }
  return problems;
}

function also(location: Location | undefined): NonNullable<Problem['related']> {
  return location === undefined ? [] : [{ message: 'has this name already', location }];
}

/** Inputs that do not exist, and ops that count on other inputs than they have. */
function wiring(graph: Graph, vertex: Vertex): readonly Problem[] {
  const { name, location } = vertex;
  const problems = vertex.inputs.flatMap((input, at) => {
    const missing = missingInput(graph, input);
    return missing === undefined
      ? []
      : [{ code: 'PK1104', message: `input ${at} of step "${name}": ${missing}`, location } as const];
  });
  const wrong = wrongInputs(vertex);
  return wrong === undefined ? problems : [...problems, { code: 'PK1103', message: `step "${name}" ${wrong}`, location }];
}

function missingInput(graph: Graph, { vertex, output }: Input): string | undefined {
  const step = graph.vertices[vertex];
  if (step === undefined) return `there is no step ${vertex}`;
  return output === 0 ? undefined : `step "${step.name}" has no output ${output}`;
}

function wrongInputs({ op, inputs }: Vertex): string | undefined {
  switch (op.type) {
    case 'fetch':
    case 'local':
    case 'git':
    case 'image':
    case 'deb':
      return inputs.length === 0 ? undefined : `is a source (${op.type}), which takes no inputs`;
    case 'merge':
      return inputs.length > 0 ? undefined : 'merges nothing: it needs at least one input';
    case 'extract':
    case 'archive':
    case 'ext4':
    case 'verity':
    case 'squashfs':
    case 'erofs':
    case 'vfat':
    case 'compress':
    case 'decompress':
    case 'vmlinux':
    case 'provenance':
    case 'sign':
    case 'verify':
      return inputs.length === 1 ? undefined : `needs exactly one input, not ${inputs.length}`;
    case 'exec':
      if (op.inputs.length !== inputs.length) return `has ${inputs.length} inputs, but names for ${op.inputs.length}`;
      return op.root === 'host' ? undefined : outside([op.root.input], inputs.length);
    case 'external':
    case 'deploy':
      return wrongProgram(op, inputs.length);
    case 'cpio':
      return inputs.length === 1 || inputs.length === 2
        ? undefined
        : `needs one input, or a kernel besides, not ${inputs.length}`;
    case 'disk':
      return outside(
        op.partitions.map(({ from }) => from),
        inputs.length,
      );
    case 'rewriteTimestamps':
      if (!Number.isSafeInteger(op.latest)) return `has ${op.latest} as its latest time, which is no whole second`;
      return inputs.length === 1 ? undefined : `needs exactly one input, not ${inputs.length}`;
    case 'oci':
      return op.variants.length > 0 ? outside(ociInputs(op), inputs.length) : 'has no variants: an artifact has one at least';
    case 'sbom':
      if (op.names.length === 0) return 'tells of nothing: it needs at least one input';
      if (op.names.length !== inputs.length - (op.attach === undefined ? 0 : 1))
        return `has ${inputs.length} inputs, but names for ${op.names.length}`;
      return op.attach === undefined ? undefined : outside([op.attach], inputs.length);
    case 'boot':
      return outside([op.kernel, op.initrd ?? op.kernel, op.rootfs ?? op.kernel], inputs.length);
    case 'tree':
      return outside(
        op.edits.flatMap((edit) => ('copy' in edit ? [edit.copy] : 'from' in edit ? [edit.from] : [])),
        inputs.length,
      );
    default:
      return never(op);
  }
}

function wrongProgram(op: ExternalSpec | DeploySpec, count: number): string | undefined {
  if (op.inputs.length !== count) return `has ${count} inputs, but names for ${op.inputs.length}`;
  if (!op.inputs.includes(layoutInput)) return `has no input named "${layoutInput}"`;
  const module = op.type === 'external' ? op.module : undefined;
  if ((module !== undefined) !== (op.type === 'external' && op.inputs.includes(moduleInput)))
    return `has a module without an input named "${moduleInput}", or the reverse`;
  if ((module === undefined) === (op.argv.length === 0)) return 'runs either a program (argv) or a module';
  if (op.root === 'host') return undefined;
  return module === undefined ? outside([op.root.input], count) : 'runs its module with the programs of the host, not of a root';
}

/** A deployment is done once everything else has been: nothing waits for it. */
function deployments({ vertices }: Graph): readonly Problem[] {
  return vertices.flatMap(({ name, inputs, location }) =>
    inputs.flatMap(({ vertex }) => {
      const used = vertices[vertex];
      if (used?.op.type !== 'deploy') return [];
      return [
        { code: 'PK1103', message: `step "${name}" uses "${used.name}", which deploys and has no result`, location } as const,
      ];
    }),
  );
}

function ociInputs({ variants }: OciSpec): readonly number[] {
  return variants.flatMap(({ from, configFrom, layers }) => [
    ...(from === undefined ? [] : [from]),
    ...(configFrom === undefined ? [] : [configFrom]),
    ...layers.map((layer) => layer.from),
  ]);
}

function outside(used: readonly number[], count: number): string | undefined {
  const wrong = used.find((input) => !Number.isInteger(input) || input < 0 || input >= count);
  return wrong === undefined ? undefined : `uses its input ${wrong}, but has ${count}`;
}

function targets(graph: Graph): readonly Problem[] {
  return Object.entries(graph.targets).flatMap(([name, input]) => {
    const missing = missingInput(graph, input);
    return missing === undefined ? [] : [{ code: 'PK1104', message: `target "${name}": ${missing}` } as const];
  });
}

/** Steps of a cycle that are told; a hostile one can be as long as the graph. */
const shown = 50;

function cycles(graph: Graph): readonly Problem[] {
  return walkAll(graph).cycles.map((cycle) => {
    const steps = cycle.flatMap((position) => graph.vertices[position] ?? []);
    const names = steps.map((step) => step.name);
    return {
      code: 'PK1105',
      message: steps.length === 1 ? `step "${names[0]}" needs itself` : `steps wait for each other: ${circle(names)}`,
      location: steps[0]?.location,
      related: steps.slice(0, shown).map((step, at) => ({
        message: `${step.name} needs ${names[(at + 1) % names.length]}`,
        location: step.location,
      })),
    };
  });
}

function circle(names: readonly string[]): string {
  const more = names.length > shown ? [`… (${names.length - shown} more)`] : [];
  return [...names.slice(0, shown), ...more, names[0]].join(' → ');
}
