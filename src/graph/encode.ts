import type { MessageInitShape } from '@bufbuild/protobuf';
import { create, toBinary } from '@bufbuild/protobuf';
import type { TreeEditSchema, VertexSchema } from '../gen/portkit/v1/definition_pb.ts';
import { DefinitionSchema } from '../gen/portkit/v1/definition_pb.ts';
import type { Graph, Vertex } from './graph.ts';
import type { DiskPartition } from './disk-ops.ts';
import type { OpSpec, TreeEdit } from './ops.ts';
import type { OciSpec } from './postprocess-ops.ts';

/**
 * A graph as the bytes of a `portkit.v1.Definition`: one graph, one sequence of bytes, whatever order its objects were
 * made in. An empty list is the same as none.
 */
export function encodeGraph(graph: Graph): Uint8Array {
  const targets = Object.entries(graph.targets).map(([name, input]) => ({ name, input }));
  return toBinary(
    DefinitionSchema,
    create(DefinitionSchema, {
      vertices: graph.vertices.map(vertexMessage),
      targets: targets.toSorted((a, b) => (a.name < b.name ? -1 : 1)),
    }),
  );
}

function vertexMessage({ name, op, inputs, location }: Vertex): MessageInitShape<typeof VertexSchema> {
  return { name, inputs: [...inputs], op: opMessage(op), ...(location && { location }) };
}

type OpMessage = NonNullable<MessageInitShape<typeof VertexSchema>['op']>;
type EditMessage = NonNullable<MessageInitShape<typeof TreeEditSchema>['edit']>;

/** The messages have the fields of the specs; what has another form there is put into it. */
function opMessage(op: OpSpec): OpMessage {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- more kinds than the compiler compares one by one
  return { case: op.type, value: formed(op) } as OpMessage;
}

function formed(op: OpSpec): object {
  if (op.type === 'fetch') return { ...op, maxSize: whole(op.maxSize) };
  if (op.type === 'cpio' || op.type === 'squashfs' || op.type === 'erofs') return { ...op, mtime: whole(op.mtime) };
  if (op.type === 'vfat') return { ...op, size: whole(op.size), mtime: whole(op.mtime) };
  if (op.type === 'ext4') return { ...op, size: whole(op.size), headroom: whole(op.headroom), mtime: whole(op.mtime) };
  if (op.type === 'provenance') return { ...op, time: whole(op.time) };
  if (op.type === 'disk') return { ...op, size: whole(op.size), partitions: op.partitions.map(partitionMessage) };
  if (op.type === 'boot') return { ...op, memoryBytes: whole(op.memoryBytes), timeoutMs: whole(op.timeoutMs) };
  if (op.type === 'tree') return { edits: op.edits.map((edit) => ({ edit: editMessage(edit) })) };
  if (op.type === 'oci') return ociMessage(op);
  if (op.type === 'rewriteTimestamps') return { ...op, latest: whole(op.latest) };
  if (op.type !== 'exec' && op.type !== 'external' && op.type !== 'deploy') return op;
  return {
    ...op,
    rootInput: op.root === 'host' ? undefined : op.root.input,
    env: sorted(op.env),
    timeoutMs: whole(op.timeoutMs),
    memoryBytes: whole(op.memoryBytes),
  };
}

function ociMessage({ variants, annotations, ...rest }: OciSpec): object {
  const layered = variants.map((variant) => ({
    ...variant,
    annotations: sorted(variant.annotations),
    layers: variant.layers.map((layer) => ({ ...layer, annotations: sorted(layer.annotations) })),
  }));
  return { ...rest, variants: layered, annotations: sorted(annotations) };
}

/** Maps have no order of their own in the bytes. */
function sorted(texts: Readonly<Record<string, string>> = {}): Readonly<Record<string, string>> {
  return Object.fromEntries(Object.entries(texts).toSorted(([a], [b]) => (a < b ? -1 : 1)));
}

function partitionMessage(partition: DiskPartition): object {
  return { ...partition, attributes: [...(partition.attributes ?? [])], size: whole(partition.size) };
}

/** `{ mkdir: PATH, … }` as the alternative `mkdir` with the field `path`; a copy has its input there instead. */
function editMessage(edit: TreeEdit): EditMessage {
  const [kind, value] = Object.entries(edit).find(([key]) => editKinds.has(key)) ?? [];
  const mtime = 'mtime' in edit ? whole(edit.mtime) : undefined;
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- `create` reads the fields that it knows
  return {
    case: kind,
    value: { ...edit, ...(kind === 'copy' ? { input: value } : { path: value }), mtime },
  } as unknown as EditMessage;
}

/** The key of an edit that says what it is. */
const editKinds: ReadonlySet<string> = new Set(
  'copy write mkdir symlink hardlink device remove chmod chown xattr elfLibs kernelModules'.split(' '),
);

function whole(value: number | undefined): bigint | undefined {
  return value === undefined ? undefined : BigInt(value);
}
