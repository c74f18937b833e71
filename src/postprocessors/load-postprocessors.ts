import type { PostprocessSpec } from '../graph/postprocess-ops.ts';
import type { Op } from '../solver/op.ts';
import type { DeployWorld } from './deploy.ts';
import type { ExternalWorld } from './external.ts';
import type { ProvenanceWorld } from './provenance.ts';
import type { SbomWorld } from './sbom.ts';
import type { SignWorld } from './sign.ts';
import type { VerifyWorld } from './verify.ts';

/** What the ops of postprocessing are lent. */
export type PostprocessWorld = SbomWorld & ProvenanceWorld & SignWorld & VerifyWorld & ExternalWorld & DeployWorld;

type Maker = (spec: never) => Op;
type Loaders = Readonly<Record<PostprocessSpec['type'], (world: PostprocessWorld) => Promise<Maker>>>;

/** Each kind's file is read when a graph has a step of the kind. */
const loaders: Loaders = {
  oci: async (world) => bind((await import('./oci.ts')).ociOp, world),
  sbom: async (world) => bind((await import('./sbom.ts')).sbomOp, world),
  provenance: async (world) => bind((await import('./provenance.ts')).provenanceOp, world),
  sign: async (world) => bind((await import('./sign.ts')).signOp, world),
  verify: async (world) => bind((await import('./verify.ts')).verifyOp, world),
  external: async (world) => bind((await import('./external.ts')).externalOp, world),
  deploy: async (world) => bind((await import('./deploy.ts')).deployOp, world),
  rewriteTimestamps: async (world) => bind((await import('./rewrite-timestamps.ts')).rewriteTimestampsOp, world),
};

function bind<Spec extends PostprocessSpec, World>(make: (spec: Spec, world: World) => Op, world: World): (spec: Spec) => Op {
  return (spec) => make(spec, world);
}

/** The makers of the ops that these steps need. */
export async function loadPostprocessors(
  specs: Iterable<PostprocessSpec>,
  world: PostprocessWorld,
): Promise<(spec: PostprocessSpec) => Op> {
  const makers = new Map<string, Maker>();
  for (const { type } of specs) if (!makers.has(type)) makers.set(type, await loaders[type](world));
  return (spec) => {
    const make = makers.get(spec.type);
    if (make === undefined) throw new Error(`The ops of ${spec.type} were not loaded`);
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the maker under a type takes its specs
    return make(spec as never);
  };
}
