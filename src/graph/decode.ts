import { fromBinary } from '@bufbuild/protobuf';
import { PortkitError } from '../base/errors.ts';
import type {
  Definition,
  OciVariant as VariantMessage,
  TreeEdit as EditMessage,
  Vertex as VertexMessage,
} from '../gen/portkit/v1/definition_pb.ts';
import { DefinitionSchema } from '../gen/portkit/v1/definition_pb.ts';
import type { Graph, Location, Vertex } from './graph.ts';
import { maxDefinitionBytes, maxFields, maxVertices } from './limits.ts';
import { isWithin } from './measure.ts';
import type { OpSpec, TreeEdit } from './ops.ts';
import type { Problem } from './problem.ts';
import { problemsError } from './problem.ts';
import { validate } from './validate.ts';

/** The graph in the bytes of a `portkit.v1.Definition`; bytes come from anywhere, and a graph comes out only if it can be solved. */
export function decodeGraph(bytes: Uint8Array): Graph {
  if (bytes.length > maxDefinitionBytes) throw tooLarge(`${maxDefinitionBytes} bytes`);
  const definition = parse(bytes);
  if (definition.vertices.length > maxVertices) throw tooLarge(`${maxVertices} steps`);
  const problems: Problem[] = [];
  const graph = toGraph(definition, (message) => problems.push({ code: 'PK1103', message }));
  const all = problems.length === 0 ? validate(graph) : problems;
  if (all.length > 0) throw problemsError(all, () => undefined);
  return graph;
}

function tooLarge(limit: string): PortkitError {
  return new PortkitError('PK1110', `The definition has more than ${limit}`);
}

function parse(bytes: Uint8Array): Definition {
  try {
    if (!isWithin(bytes, DefinitionSchema, maxFields)) throw tooLarge(`${maxFields} values`);
    return fromBinary(DefinitionSchema, bytes);
  } catch (error) {
    if (error instanceof PortkitError) throw error;
    throw new PortkitError('PK1101', 'The bytes are not a binary definition', {
      cause: error,
      hint: 'It may be damaged, or made by a newer portkit',
    });
  }
}

type Complain = (message: string) => void;

function toGraph({ vertices, targets }: Definition, complain: Complain): Graph {
  const named = new Set(targets.map((target) => target.name));
  if (named.size < targets.length) complain('a target is named twice');
  return {
    vertices: vertices.map((vertex) => toVertex(vertex, complain)),
    targets: Object.fromEntries(
      targets.map(({ name, input }) => [name, { vertex: input?.vertex ?? 0, output: input?.output ?? 0 }]),
    ),
  };
}

function toVertex({ name, op, inputs, location }: VertexMessage, complain: Complain): Vertex {
  return {
    name,
    op: toOp(op, (message) => complain(`step "${name}": ${message}`)),
    inputs: inputs.map(({ vertex, output }) => ({ vertex, output })),
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the message has these fields
    ...(location && { location: plain(location, complain) as unknown as Location }),
  };
}

function toOp(op: VertexMessage['op'], complain: Complain): OpSpec {
  if (op.case === undefined) {
    complain('it does not say what it is, or is of a kind that a newer portkit knows');
    return { type: 'merge' };
  }
  const { rootInput, ...fields } = plain(op.value, complain);
  checkWords(op.case, fields, complain);
  const spec: Record<string, unknown> = { type: op.case, ...required[op.case], ...fields };
  if (op.case === 'tree') spec['edits'] = op.value.edits.map(({ edit }) => toEdit(edit, complain));
  if (op.case === 'oci') spec['variants'] = op.value.variants.map((variant) => toVariant(variant, complain));
  if (op.case === 'exec' || op.case === 'external' || op.case === 'deploy')
    spec['root'] = rootInput === undefined ? 'host' : { input: rootInput };
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the messages have the fields of the specs
  return spec as unknown as OpSpec;
}

function toVariant(variant: VariantMessage, complain: Complain): object {
  for (const layer of variant.layers) checkWords('layer', plain(layer, complain), complain);
  return { layers: [], ...plain(variant, complain) };
}

function toEdit(edit: EditMessage['edit'], complain: Complain): TreeEdit {
  if (edit.case === undefined) {
    complain('an edit does not say what it is');
    return { remove: '/' };
  }
  const { input, ...rest } = plain(edit.value, complain);
  const { path, ...others } = rest;
  checkWords(edit.case, rest, complain);
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the messages have the fields of the edits
  return (edit.case === 'copy'
    ? { copy: input, ...rest }
    : { [edit.case]: path, ...required[edit.case], ...others }) as unknown as TreeEdit;
}

/** Lists that a spec has even when they are empty, which bytes cannot tell from lists that are not there. */
const required: Readonly<Record<string, object>> = {
  deb: { packages: [] },
  deploy: { argv: [], inputs: [] },
  disk: { partitions: [] },
  exec: { argv: [], inputs: [] },
  external: { argv: [], inputs: [] },
  oci: { variants: [] },
  sbom: { names: [] },
  kernelModules: { names: [] },
  tree: { edits: [] },
  verify: { keys: [] },
};

/** Fields with a closed set of words. */
const words: Readonly<Record<string, readonly [field: string, words: readonly string[]]>> = {
  archive: ['format', ['tar']],
  cpio: ['compress', ['none', 'gzip', 'zstd', 'xz', 'lz4']],
  boot: ['architecture', ['x86_64', 'aarch64']],
  image: ['transport', ['plain-http']],
  ext4: ['profile', ['plain', 'csum', 'journal', 'csum-journal']],
  provenance: ['mode', ['min', 'max']],
  verity: ['output', ['tree', 'image', 'root-hash']],
  squashfs: ['compress', ['gzip', 'zstd', 'xz', 'lz4']],
  erofs: ['compress', ['none', 'lz4', 'lz4hc']],
  compress: ['format', ['gzip', 'zstd', 'xz', 'lz4']],
  decompress: ['format', ['gzip', 'zstd', 'xz', 'lz4']],
  device: ['kind', ['char', 'block', 'fifo']],
  cache: ['share', ['shared', 'locked']],
  sbom: ['format', ['cyclonedx', 'spdx']],
  layer: ['compress', ['gzip', 'zstd']],
  signature: ['of', ['file', 'uncompressed']],
};

function checkWords(kind: string, fields: Readonly<Record<string, unknown>>, complain: Complain): void {
  const [field, allowed] = words[kind] ?? [];
  const value = field === undefined ? undefined : fields[field];
  if (typeof value === 'string' && allowed?.includes(value) !== true)
    complain(`${kind}: ${field} is ${JSON.stringify(value.slice(0, 80))}, not ${allowed?.join(' or ')}`);
  for (const cache of Array.isArray(fields['caches']) ? fields['caches'] : []) checkWords('cache', cache, complain);
  const { signature } = fields;
  if (typeof signature === 'object' && signature !== null) checkWords('signature', { ...signature }, complain);
}

/** A message as plain data: no type names, no empty lists, numbers as numbers. */
function plain(message: object, complain: Complain): Record<string, unknown> {
  const fields: Record<string, unknown> = {};
  for (const [key, value] of Object.entries(message)) {
    const kept = key.startsWith('$') ? undefined : plainValue(value, complain);
    if (kept !== undefined) fields[key] = kept;
  }
  return fields;
}

function plainValue(value: unknown, complain: Complain): unknown {
  if (typeof value === 'bigint') {
    if (!Number.isSafeInteger(Number(value))) complain(`${value} is too large a number`);
    return Number(value);
  }
  if (Array.isArray(value)) return value.length === 0 ? undefined : value.map((item) => plainValue(item, complain));
  if (typeof value !== 'object' || value === null) return value;
  if ('$typeName' in value) return plain(value, complain);
  return Object.keys(value).length === 0 ? undefined : { ...value };
}
