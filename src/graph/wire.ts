import type { ExecSpec, OpSpec, TreeEdit, TreeSpec } from './ops.ts';

/** An op whose inputs are still told by something of the writer's own: a handle in TypeScript, a reference in TOML. */
export interface Wired<H> {
  readonly op: OpSpec;
  readonly inputs: readonly H[];
}

type Copy = Extract<TreeEdit, { copy: number }>;
type ElfLibs = Extract<TreeEdit, { elfLibs: string }>;

/** A tree edit that names its input directly. */
export type EditOver<H> =
  | (Omit<Copy, 'copy'> & { readonly copy: H })
  | (Omit<ElfLibs, 'from'> & { readonly from: H })
  | Exclude<TreeEdit, Copy | ElfLibs>;

/** An exec that names its inputs directly. */
export type ExecOver<H> = Omit<ExecSpec, 'type' | 'inputs' | 'root'> & {
  readonly inputs?: Readonly<Record<string, H>>;
  readonly root?: 'host' | H;
};

/** A tree of edits; each input is listed once, in order of first use. */
export function wireTree<H>(edits: readonly EditOver<H>[]): Wired<H> & { readonly op: TreeSpec } {
  const positions = new Map<H, number>();
  function positionOf(input: H): number {
    const known = positions.get(input) ?? positions.size;
    positions.set(input, known);
    return known;
  }
  const numbered = edits.map((edit): TreeEdit => {
    if ('copy' in edit) return { ...edit, copy: positionOf(edit.copy) };
    if ('elfLibs' in edit) return { ...edit, from: positionOf(edit.from) };
    return edit;
  });
  return { op: { type: 'tree', edits: numbered }, inputs: [...positions.keys()] };
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
