import type { DiskPartition, DiskSpec } from './disk-ops.ts';
import type { BootSpec, ExecSpec, OpSpec, TreeEdit, TreeSpec } from './ops.ts';

/** An op whose inputs are still told by something of the writer's own: a handle in TypeScript, a reference in TOML. */
export interface Wired<H> {
  readonly op: OpSpec;
  readonly inputs: readonly H[];
}

type Copy = Extract<TreeEdit, { copy: number }>;
type FromTree = Extract<TreeEdit, { from: number }>;

/** A kind of edits, its input named directly. */
type Named<Edit, H> = Edit extends FromTree ? Omit<Edit, 'from'> & { readonly from: H } : never;

/** A tree edit that names its input directly. */
export type EditOver<H> = (Omit<Copy, 'copy'> & { readonly copy: H }) | Named<FromTree, H> | Exclude<TreeEdit, Copy | FromTree>;

/** An exec that names its inputs directly. */
export type ExecOver<H> = Omit<ExecSpec, 'type' | 'inputs' | 'root'> & {
  readonly inputs?: Readonly<Record<string, H>>;
  readonly root?: 'host' | H;
};

/** A disk whose partitions name their images directly. */
export type DiskOver<H> = Omit<DiskSpec, 'type' | 'partitions'> & {
  readonly partitions: readonly (Omit<DiskPartition, 'from'> & { readonly from: H })[];
};

/** A trial whose images are named directly. */
export type BootOver<H> = Omit<BootSpec, 'type' | 'kernel' | 'initrd' | 'rootfs'> & {
  readonly kernel: H;
  readonly initrd?: H;
  readonly rootfs?: H;
};

/** A tree of edits; each input is listed once, in order of first use. */
export function wireTree<H>(edits: readonly EditOver<H>[]): Wired<H> & { readonly op: TreeSpec } {
  const { positionOf, inputs } = numbering<H>();
  const numbered = edits.map((edit): TreeEdit => {
    if ('copy' in edit) return { ...edit, copy: positionOf(edit.copy) };
    if ('from' in edit) return { ...edit, from: positionOf(edit.from) };
    return edit;
  });
  return { op: { type: 'tree', edits: numbered }, inputs: inputs() };
}

/** A disk; each image is listed once, in order of first use. */
export function wireDisk<H>({ partitions, ...rest }: DiskOver<H>): Wired<H> & { readonly op: DiskSpec } {
  const { positionOf, inputs } = numbering<H>();
  const numbered = partitions.map((partition) => ({ ...partition, from: positionOf(partition.from) }));
  return { op: { type: 'disk', ...rest, partitions: numbered }, inputs: inputs() };
}

/** A trial; each image is listed once. */
export function wireBoot<H>({ kernel, initrd, rootfs, ...rest }: BootOver<H>): Wired<H> & { readonly op: BootSpec } {
  const { positionOf, inputs } = numbering<H>();
  const images = {
    kernel: positionOf(kernel),
    ...(initrd !== undefined && { initrd: positionOf(initrd) }),
    ...(rootfs !== undefined && { rootfs: positionOf(rootfs) }),
  };
  return { op: { type: 'boot', ...rest, ...images }, inputs: inputs() };
}

/** Gives each input its position in the order of first use. */
export function numbering<H>(): { readonly positionOf: (input: H) => number; readonly inputs: () => readonly H[] } {
  const positions = new Map<H, number>();
  function positionOf(input: H): number {
    const known = positions.get(input) ?? positions.size;
    positions.set(input, known);
    return known;
  }
  return { positionOf, inputs: () => [...positions.keys()] };
}

/** A command; its inputs are sorted by name, and a root file system comes last. */
export function wireExec<H>({ inputs = {}, root = 'host', ...rest }: ExecOver<H>): Wired<H> & { readonly op: ExecSpec } {
  const names = Object.keys(inputs).toSorted();
  const handles = names.flatMap((name) => inputs[name] ?? []);
  if (root === 'host') return { op: { type: 'exec', ...rest, inputs: names, root: 'host' }, inputs: handles };
  return {
    op: { type: 'exec', ...rest, inputs: [...names, ''], root: { input: names.length } },
    inputs: [...handles, root],
  };
}
