import type { SourceRecord, StepRecord } from './attest-ops.ts';
import type { Graph, Vertex } from './graph.ts';
import type { ExecSpec, OpSpec } from './ops.ts';
import type { DeploySpec, ExternalSpec, ProgramSpec } from './program-ops.ts';
import { walkFrom } from './walk.ts';

/**
 * The graph with every step of kind `provenance` told what led to its subject: its inputs are the subject and then each of
 * those steps, so that it learns their results. The graph is one that a definition says: whole, and without a cycle.
 */
export function linkProvenance(graph: Graph): Graph {
  if (!graph.vertices.some(({ op }) => op.type === 'provenance')) return graph;
  return { ...graph, vertices: graph.vertices.map((vertex) => linked(vertex, graph)) };
}

function linked(vertex: Vertex, graph: Graph): Vertex {
  const [subject] = vertex.inputs;
  if (vertex.op.type !== 'provenance' || subject === undefined) return vertex;
  const order = walkFrom(graph, subject.vertex);
  const steps = order.flatMap((at) => graph.vertices[at] ?? []).map((step) => recordOf(step, graph));
  return {
    ...vertex,
    op: { ...vertex.op, steps },
    inputs: [subject, ...order.map((at) => ({ vertex: at, output: 0 }))],
  };
}

function recordOf({ name, op, inputs }: Vertex, { vertices }: Graph): StepRecord {
  const { type: kind, ...parameters } = op;
  const names = inputs.map((input) => vertices[input.vertex]?.name ?? '');
  const source = sourceOf(op);
  return {
    name,
    kind,
    parameters: runs(op) ? commandOf(op, names) : parameters,
    inputs: names,
    ...(source && { source }),
    ...(runs(op) && op.tools && { tools: op.tools }),
  };
}

/** A command, and what its sandbox lets it see: said in full, also where it is what every step has. */
function commandOf(
  {
    argv,
    env = {},
    cwd,
    output,
    ...spec
  }: ProgramSpec & Partial<Pick<ExecSpec, 'cwd' | 'output' | 'caches'> & Pick<ExternalSpec, 'options' | 'module'>>,
  names: readonly string[],
): StepRecord['parameters'] {
  const {
    root,
    inputs,
    options,
    module,
    network = false,
    tools = [],
    caches = [],
    secrets = [],
    timeoutMs,
    memoryBytes,
    processes,
  } = spec;
  const mounts = inputs.flatMap((name, at) => (name === '' ? [] : [[`/in/${name}`, names[at] ?? '']]));
  return {
    argv,
    env,
    ...(cwd !== undefined && { cwd }),
    ...(output && { output }),
    ...(options !== undefined && { options }),
    ...(module !== undefined && { module }),
    sandbox: {
      root: root === 'host' ? 'host' : (names[root.input] ?? ''),
      network: network ? 'host' : 'none',
      mounts: Object.fromEntries(mounts),
      tools,
      caches,
      secrets: secrets.map(({ name }) => name),
      ...(timeoutMs !== undefined && { timeoutMs }),
      ...(memoryBytes !== undefined && { memoryBytes }),
      ...(processes !== undefined && { processes }),
    },
  };
}

/** Whether a step runs a command in the sandbox. */
function runs(op: OpSpec): op is ExecSpec | ExternalSpec | DeploySpec {
  return op.type === 'exec' || op.type === 'external' || op.type === 'deploy';
}

function sourceOf(op: OpSpec): SourceRecord | undefined {
  if (op.type === 'fetch') return { uri: op.url, ...pinned(op.digest) };
  if (op.type === 'git') return { uri: `git+${op.url}`, digest: { gitCommit: op.commit } };
  if (op.type === 'image') return { uri: `oci:${op.reference}`, ...pinned(op.digest) };
  if (op.type === 'local') return {};
  if (op.type !== 'deb') return undefined;
  return { packages: op.packages, ...(op.architecture !== undefined && { architecture: op.architecture }) };
}

/** `sha256:<hex>` as a set of digests. */
function pinned(digest: string | undefined): Pick<SourceRecord, 'digest'> {
  const [, algorithm, hex] = /^(sha256|sha512):([0-9a-f]+)$/.exec(digest ?? '') ?? [];
  return algorithm === undefined || hex === undefined ? {} : { digest: { [algorithm]: hex } };
}
