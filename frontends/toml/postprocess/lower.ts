import type { Path } from '../findings.ts';
import type { Cell } from '../matrix.ts';
import type { Plan } from '../plan.ts';
import { stepReference } from '../references.ts';
import type { ArtifactTable } from '../schema/port.ts';
import type { PostprocessTable } from '../schema/postprocess.ts';
import type { Tables } from '../tables.ts';
import type { Complaint } from '../variables.ts';
import { contentsOf, inCell } from './contents.ts';

/** A variant that is built, as its postprocessors see it. */
interface Variant {
  /** `.x86_64.firecracker.standard`, to tell apart what is made once for each. */
  readonly label: string;
  readonly cell: Cell;
  readonly selector: NonNullable<ArtifactTable['variants']>[number]['selector'];
  /** The name of the file, which grows an ending when it is converted. */
  file: string;
  /** What was built, before any postprocessor. */
  readonly built: string;
  /** The result so far. */
  reference: string;
  readonly initrd: string | undefined;
}

/** The postprocessors of one artifact, while they are lowered in their order. */
export interface Chain {
  readonly artifact: string;
  readonly plan: Plan;
  readonly tables: Tables;
  readonly variants: readonly Variant[];
  /** The layout that came last. */
  packaged: string | undefined;
}

/** One postprocessor: its table, the name of its result, and where its steps and faults go. */
export interface Turn {
  readonly table: PostprocessTable;
  readonly name: string;
  /** Adds a step and answers the reference to it. */
  readonly add: (name: string, value: object) => string;
  readonly complain: (at: Path, complaint: Complaint) => void;
}

/** The variants that have a build; one whose step is not there is told of elsewhere. */
export function variantsOf({ variants = [] }: ArtifactTable, plan: Plan): readonly Variant[] {
  return variants.flatMap(({ path, selector, build }) => {
    const cell: Cell = { values: new Map(Object.entries(selector)), label: '' };
    const reference = build && inCell(`step:${build.step}`, cell, plan);
    if (typeof reference !== 'string') return [];
    const initrd = build?.initrd === undefined ? undefined : inCell(`step:${build.initrd}`, cell, plan);
    const { architecture, substrate, protection_mode: mode } = selector;
    return {
      label: `.${architecture}.${substrate}.${mode}`,
      cell,
      selector,
      file: path.slice(path.lastIndexOf('/') + 1),
      built: reference,
      reference,
      initrd: typeof initrd === 'string' ? initrd : undefined,
    };
  });
}

/** Adds the steps of one postprocessor; its stage and form have been checked. */
export function lower(chain: Chain, turn: Turn): void {
  const { rewrite_timestamps: times, convert, oci, sbom, provenance, sign, verify, postprocessor, deploy } = turn.table;
  const external = postprocessor === undefined ? turn.table.external : { postprocessor };
  if (times !== undefined) each(chain, turn, (from) => ({ rewrite_timestamps: { from, ...times } }));
  if (convert !== undefined) {
    each(chain, turn, (from) => ({ convert: { from, ...convert } }));
    for (const variant of chain.variants) variant.file += endings[convert.to];
  }
  if (oci !== undefined) chain.packaged = turn.add(turn.name, { oci: packaged(chain, turn, oci) });
  if (sbom !== undefined) attest(chain, turn, sbom);
  if (provenance !== undefined) tell(chain, turn, provenance);
  if (sign !== undefined) onLayout(chain, turn, (from) => ({ sign: { from, ...sign } }));
  if (verify !== undefined) onLayout(chain, turn, (from) => ({ verify: { from, ...verify } }));
  if (external !== undefined) onLayout(chain, turn, (from) => ({ external: { from, ...external } }));
  if (deploy !== undefined) onLayout(chain, turn, (from) => ({ deploy: { from, ...deploy } }));
}

const endings = { qcow2: '.qcow2', iso: '.iso', gzip: '.gz', zstd: '.zst' } as const;

/** The same for each variant, whose result it replaces. */
function each({ variants }: Chain, { name, add }: Turn, make: (from: string) => object): void {
  for (const variant of variants)
    variant.reference = add(variants.length === 1 ? name : name + variant.label, make(variant.reference));
}

function packaged(chain: Chain, turn: Turn, table: NonNullable<PostprocessTable['oci']>): object {
  const { layers, platform, config, config_from: configFrom, annotations, ...rest } = table;
  const variants = chain.variants.map((variant) => {
    const { architecture, substrate, protection_mode: mode } = variant.selector;
    const own = (reference: string, ...at: Path): string => resolved(chain, turn, { variant, reference, at: ['oci', ...at] });
    const usual = [
      { name: variant.file, from: variant.reference },
      ...(variant.initrd === undefined ? [] : [{ name: 'initrd.cpio.gz', from: variant.initrd }]),
    ];
    const said = layers?.map(({ from, ...layer }, at) => ({
      ...layer,
      from: from === undefined ? variant.reference : own(from, 'layers', at, 'from'),
    }));
    return {
      layers: said ?? usual,
      platform: platform ?? { os: 'linux', architecture },
      ...(config && { config }),
      ...(configFrom !== undefined && { config_from: own(configFrom, 'config_from') }),
      annotations: { 'dev.portkit.substrate': substrate, 'dev.portkit.protection-mode': mode },
    };
  });
  const [single, second] = variants;
  if (single === undefined || second !== undefined) return { ...rest, ...(annotations && { annotations }), variants };
  return { ...rest, ...single, annotations: { ...single.annotations, ...annotations } };
}

function attest(chain: Chain, turn: Turn, { of, attach, ...rest }: NonNullable<PostprocessTable['sbom']>): void {
  const { packaged: layout } = chain;
  if (attach === true && layout === undefined) refuseAttaching(turn, 'sbom');
  const told = new Map<string, string>();
  for (const variant of chain.variants) {
    const said = Object.entries(of ?? {}).map(([name, reference]): [string, string] => {
      const found = resolved(chain, turn, { variant, reference, at: ['sbom', 'of', name] });
      const cell = stepReference(found)?.cell;
      return [cell === undefined ? name : `${name}[${cell}]`, found];
    });
    for (const [name, reference] of of === undefined ? contentsOf(variant, chain) : said) told.set(name, reference);
  }
  const isAttached = attach !== false && layout !== undefined;
  const attached = {
    sbom: { of: Object.fromEntries(told), name: chain.artifact, ...rest, ...(isAttached && { attach: layout }) },
  };
  const result = turn.add(turn.name, attached);
  if (isAttached) chain.packaged = result;
}

/** How the artifact was made: beside it when it is packaged, else a statement about each variant. */
function tell(chain: Chain, turn: Turn, { attach, ...rest }: NonNullable<PostprocessTable['provenance']>): void {
  const { packaged: layout, variants } = chain;
  if (layout === undefined && attach === true) refuseAttaching(turn, 'provenance');
  if (layout !== undefined && attach !== false)
    onLayout(chain, turn, (from) => ({ provenance: { from, attach: true, ...rest } }));
  else if (layout !== undefined) turn.add(turn.name, { provenance: { from: layout, ...rest } });
  else {
    for (const { label, reference } of variants)
      turn.add(variants.length === 1 ? turn.name : turn.name + label, { provenance: { from: reference, ...rest } });
  }
}

function refuseAttaching({ complain }: Turn, kind: string): void {
  const message = 'there is nothing to attach to: no postprocessor before this one makes an artifact';
  complain([kind, 'attach'], { code: 'PK1103', message, hint: 'Put one with oci before it' });
}

/** What works on the artifact as it is packaged: it gives it back with more, or takes it away. */
function onLayout(chain: Chain, { name, table, add, complain }: Turn, make: (from: string) => object): void {
  if (chain.packaged === undefined) {
    const message = 'there is no artifact: no postprocessor before this one makes one';
    complain([], { code: 'PK1103', message, hint: 'Put one with oci before it' });
  } else {
    const result = add(name, make(chain.packaged));
    if (table.deploy === undefined) chain.packaged = result;
  }
}

/** A reference of the table as it is meant for a variant; one that leads nowhere is told and left as it is. */
function resolved(
  { plan }: Chain,
  { complain }: Turn,
  { variant, reference, at }: { readonly variant: Variant; readonly reference: string; readonly at: Path },
): string {
  const found = inCell(reference, variant.cell, plan);
  if (typeof found === 'string') return found;
  complain(at, found);
  return reference;
}
