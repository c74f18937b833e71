import { PortkitError } from '../base/errors.ts';
import type { Ref } from '../base/ref.ts';
import { canonicalJson } from '../base/canonical.ts';
import { compressionLibrary } from '../formats/compression/compress.ts';
import type { OciSpec, OciVariant } from '../graph/postprocess-ops.ts';
import { refName } from '../oci/layout/files.ts';
import type { Annotations, Descriptor } from '../oci/model/descriptor.ts';
import { familyTypes, isFamily } from '../oci/model/families.ts';
import { documentLimit, strictJson, tooLarge } from '../oci/model/manifest.ts';
import type { Produced } from '../oci/model/produce.ts';
import { isTag } from '../oci/model/reference.ts';
import { describe, emptyBlob, produceIndex, produceManifest } from '../oci/model/produce.ts';
import type { FileWorld } from '../ops/input.ts';
import { ofKind } from '../ops/input.ts';
import { asOutcome } from '../ops/outcome.ts';
import type { Op } from '../solver/op.ts';
import type { LayoutWorld, StoredBlob } from './layout-tree.ts';
import { writeLayout } from './layout-tree.ts';
import type { Layer, LayerRequest } from './oci/layers.ts';
import { checkedType, descriptorOf, layerOf, storedBlob } from './oci/layers.ts';
import { titleAnnotation } from './oci/title.ts';
import { readSignals } from './oci/signals.ts';

/** Blobs and trees as an OCI layout, in which every layer is a blob that the store has. */
export function ociOp(spec: OciSpec, { blobs }: FileWorld): Op {
  return {
    code: 'oci/1',
    pool: 'io',
    facts: () => ({ facts: factsOf(spec) }),
    run: (inputs, { signal }) =>
      asOutcome(async () => {
        const world = { blobs, signal };
        const tars = new Map<string, StoredBlob>();
        const packed: Packed[] = [];
        for (const variant of spec.variants) packed.push(await pack(spec, variant, { inputs, world, tars }));
        const [only, second] = packed;
        const index = only === undefined || second !== undefined ? indexOf(spec, packed) : undefined;
        const main = index?.descriptor ?? only?.listed;
        if (main === undefined) throw new Error('An artifact has no manifest');
        const named = { ...main, annotations: { [refName]: tagOf(spec) } };
        const layout = await writeLayout(
          {
            blobs: packed.flatMap((one) => one.blobs),
            documents: [...packed.flatMap((one) => one.documents), ...(index ? [index] : [])],
            manifests: [named],
          },
          world,
        );
        return { ok: true, outputs: [layout] };
      }),
  };
}

function factsOf({ variants, ...rest }: OciSpec): Readonly<Record<string, string>> {
  const formats = new Set(variants.flatMap(({ layers }) => layers.flatMap(({ compress }) => compress ?? [])));
  return {
    artifact: canonicalJson(rest),
    ...Object.fromEntries(variants.map((variant, at) => [`variant ${at + 1}`, canonicalJson(variant)])),
    ...Object.fromEntries([...formats].map((format) => [`library ${format}`, compressionLibrary(format)])),
  };
}

/** One manifest with what it names. */
interface Packed {
  /** The manifest as an index lists it. */
  readonly listed: Descriptor;
  readonly annotations: Annotations;
  readonly blobs: readonly StoredBlob[];
  readonly documents: readonly Produced[];
}

interface Surroundings {
  readonly inputs: readonly Ref[];
  readonly world: LayoutWorld;
  /** What trees have become already, as variants often share one. */
  readonly tars: Map<string, StoredBlob>;
}

async function pack(spec: OciSpec, variant: OciVariant, { inputs, world, tars }: Surroundings): Promise<Packed> {
  const { from, platform, annotations = {} } = variant;
  const said = from === undefined ? undefined : await readSignals(ofKind(inputAt(inputs, from), 'tree'), world);
  const requests = [
    ...(said?.layers ?? []),
    ...variant.layers.map((layer): LayerRequest => ({ ...layer, input: inputAt(inputs, layer.from) })),
  ];
  const layers: Layer[] = [];
  for (const request of requests) layers.push(await layerOf(request, { ...world, tars }));
  refuseTwice(layers);
  const types = typesOf(spec);
  const artifactType = types.artifactType ?? said?.artifactType;
  const config = await configOf(variant, types.configType ?? said?.configType, { inputs, world, tars });
  if (artifactType === undefined && config.descriptor.mediaType === emptyBlob.descriptor.mediaType) {
    throw new PortkitError('PK4101', 'The artifact does not say what it is', {
      hint: 'Give it artifact_type, such as "application/vnd.example.kernel.v1+json", or a family',
    });
  }
  const own = spec.variants.length === 1 ? { ...spec.annotations, ...annotations } : annotations;
  const manifest = produceManifest({
    ...(artifactType !== undefined && { artifactType: checkedType(artifactType) }),
    config: config.descriptor,
    layers: layers.map(({ descriptor }) => descriptor),
    annotations: own,
  });
  const empty = layers.length === 0 ? [emptyBlob] : [];
  return {
    listed: { ...manifest.descriptor, ...(platform && { platform }) },
    annotations,
    blobs: [...layers.map(({ blob }) => blob), ...('blob' in config ? [config.blob] : [])],
    documents: [manifest, ...empty, ...('bytes' in config ? [config] : [])],
  };
}

function inputAt(inputs: readonly Ref[], position: number): Ref {
  const input = inputs[position];
  if (input === undefined) throw new PortkitError('PK3306', `The step has no input ${position}`);
  return input;
}

/** The types of the whole: a family says both, and what is said besides has to be the same. */
function typesOf({ family, artifactType, configType }: OciSpec): Pick<OciSpec, 'artifactType' | 'configType'> {
  if (family === undefined) return { ...(artifactType && { artifactType }), ...(configType && { configType }) };
  if (!isFamily(family)) {
    throw new PortkitError('PK4101', `There is no family ${JSON.stringify(family.slice(0, 100))}`, {
      hint: 'The families are agent, policy, tool, workflow, sandbox, knowledge, integration, bundle, model and fileset',
    });
  }
  const types = familyTypes(family);
  const other = [artifactType ?? types.artifactType, configType ?? types.config];
  if (other[0] === types.artifactType && other[1] === types.config)
    return { artifactType: types.artifactType, configType: types.config };
  throw new PortkitError('PK4101', `An artifact of the family ${family} has the types of the family`, {
    hint: 'Leave artifact_type and config_type out, or the family',
  });
}

async function configOf(
  { config, configFrom }: OciVariant,
  mediaType: string | undefined,
  { inputs, world }: Surroundings,
): Promise<Produced | { readonly descriptor: Descriptor; readonly blob: StoredBlob }> {
  if (config === undefined && configFrom === undefined && mediaType === undefined) return emptyBlob;
  const type = checkedType(mediaType ?? 'application/json');
  if (configFrom === undefined) {
    const bytes = Buffer.from(config ?? '{}');
    strictJson(bytes, 'The config');
    return { bytes, descriptor: describe(bytes, type) };
  }
  const blob = await storedBlob(ofKind(inputAt(inputs, configFrom), 'blob'), world);
  if (blob.size > documentLimit) throw tooLarge('The config');
  if (/[+/]json$/.test(type)) strictJson(world.blobs.get(blob.digest, documentLimit) ?? Buffer.of(), 'The config');
  return { blob, descriptor: descriptorOf(blob, type) };
}

function refuseTwice(layers: readonly Layer[]): void {
  const seen = new Set<string>();
  const twice = layers
    .map(({ descriptor }) => descriptor.annotations?.[titleAnnotation] ?? '')
    .find((name) => seen.size === seen.add(name).size);
  if (twice !== undefined) throw new PortkitError('PK4101', `Two layers are named ${JSON.stringify(twice.slice(0, 200))}`);
}

/** The index of several manifests; their descriptors say what they do, so that one can be chosen without reading them all. */
function indexOf(spec: OciSpec, packed: readonly Packed[]): Produced {
  const { artifactType } = typesOf(spec);
  return produceIndex({
    ...(artifactType !== undefined && { artifactType }),
    manifests: packed.map(({ listed, annotations }) => ({ ...listed, annotations })),
    ...(spec.annotations && { annotations: spec.annotations }),
  });
}

/** What index.json calls it: a tag of a registry. */
function tagOf({ tag = 'latest' }: OciSpec): string {
  if (isTag(tag)) return tag;
  throw new PortkitError('PK4101', `${JSON.stringify(tag.slice(0, 200))} is no tag`, {
    hint: 'A tag has at most 128 letters, digits and . _ -',
  });
}
