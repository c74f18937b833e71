import type { OpSpec } from '../graph/ops.ts';
import type { PostprocessSpec } from '../graph/postprocess-ops.ts';
import type { Op, OpFor } from '../solver/op.ts';
import type { BootOpWorld } from './boot.ts';
import type { PackWorld } from './compress.ts';
import type { DebWorld } from './deb.ts';
import type { DecompressWorld } from './decompress.ts';
import type { Ext4World } from './ext4.ts';
import type { ExecWorld } from './exec.ts';
import type { FetchWorld } from './fetch.ts';
import type { GitOpWorld } from './git.ts';
import type { ImageWorld } from './image.ts';
import type { MkfsOpWorld } from './mkfs/op.ts';
import type { LocalWorld } from './local.ts';
import { tellingWaits } from './told-waits.ts';

/** What the ops of a build are lent, each kind for itself: made when a step of the kind is there. */
export interface OpsWorld {
  readonly files: () => DecompressWorld & PackWorld;
  readonly fetch: () => FetchWorld;
  readonly local: () => LocalWorld;
  readonly git: () => GitOpWorld;
  readonly image: () => ImageWorld;
  readonly deb: () => DebWorld;
  readonly ext4: () => Ext4World;
  readonly mkfs: () => MkfsOpWorld;
  readonly exec: () => ExecWorld;
  readonly boot: () => BootOpWorld;
}

type Maker = (spec: never) => Op;
/** Every kind of op that is not a postprocessor. */
export type OrdinarySpec = Exclude<OpSpec, PostprocessSpec>;
type Loaders = Readonly<Record<OrdinarySpec['type'], (world: OpsWorld) => Promise<Maker>>>;

/** Each kind's file is read when a graph has a step of the kind. */
const loaders: Loaders = {
  fetch: async (world) => bind(tellingWaits((await import('./fetch.ts')).fetchOp), world.fetch()),
  local: async (world) => bind((await import('./local.ts')).localOp, world.local()),
  git: async (world) => bind((await import('./git.ts')).gitOp, world.git()),
  tree: async (world) => bind((await import('./tree.ts')).treeOp, world.files()),
  image: async (world) => bind((await import('./image.ts')).imageOp, world.image()),
  deb: async (world) => bind((await import('./deb.ts')).debOp, world.deb()),
  exec: async (world) => bind((await import('./exec.ts')).execOp, world.exec()),
  merge: async (world) => bind((await import('./merge.ts')).mergeOp, world.files()),
  extract: async (world) => bind((await import('./extract.ts')).extractOp, world.files()),
  archive: async (world) => bind((await import('./archive.ts')).archiveOp, world.files()),
  cpio: async (world) => bind((await import('./cpio.ts')).cpioOp, world.files()),
  ext4: async (world) => bind((await import('./ext4.ts')).ext4Op, world.ext4()),
  disk: async (world) => bind((await import('./disk.ts')).diskOp, world.files()),
  verity: async (world) => bind((await import('./verity.ts')).verityOp, world.files()),
  squashfs: async (world) => bind((await import('./mkfs/op.ts')).squashfsOp, world.mkfs()),
  erofs: async (world) => bind((await import('./mkfs/op.ts')).erofsOp, world.mkfs()),
  vfat: async (world) => bind((await import('./mkfs/op.ts')).vfatOp, world.mkfs()),
  compress: async (world) => bind((await import('./compress.ts')).compressOp, world.files()),
  vmlinux: async (world) => bind((await import('./vmlinux.ts')).vmlinuxOp, world.files()),
  boot: async (world) => bind((await import('./boot.ts')).bootOp, world.boot()),
  decompress: async (world) => bind((await import('./decompress.ts')).decompressOp, world.files()),
};

function bind<Spec extends OpSpec, World>(make: (spec: Spec, world: World) => Op, world: World): (spec: Spec) => Op {
  return (spec) => make(spec, world);
}

/** The makers of the ops that these steps need. */
export async function loadOps(specs: Iterable<OrdinarySpec>, world: OpsWorld): Promise<OpFor> {
  const makers = new Map<string, Maker>();
  for (const { type } of specs) if (!makers.has(type)) makers.set(type, await loaders[type](world));
  return ({ op }) => {
    const make = makers.get(op.type);
    if (make === undefined) throw new Error(`The ops of ${op.type} were not loaded`);
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the maker under a type takes its specs
    return make(op as never);
  };
}
