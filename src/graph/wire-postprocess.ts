import { canonicalJson } from '../base/canonical.ts';
import type { OciLayer, OciSpec, OciVariant, SbomSpec } from './postprocess-ops.ts';
import type { Wired } from './wire.ts';
import { numbering } from './wire.ts';

/** A layer that names its input directly. */
export type LayerOver<H> = Omit<OciLayer, 'from'> & { readonly from: H };

/** A variant that names its inputs directly; its config is plain data. */
export type VariantOver<H> = Omit<OciVariant, 'layers' | 'from' | 'config' | 'configFrom'> & {
  readonly layers?: readonly LayerOver<H>[];
  readonly from?: H;
  readonly config?: Readonly<Record<string, unknown>>;
  readonly configFrom?: H;
};

/** An artifact that names its inputs directly: what is said beside `variants` is its one variant. */
export type OciOver<H> = Omit<OciSpec, 'type' | 'variants'> & VariantOver<H> & { readonly variants?: readonly VariantOver<H>[] };

/** A bill of materials that names its inputs directly. */
export type SbomOver<H> = Omit<SbomSpec, 'type' | 'names' | 'attach'> & {
  readonly of: Readonly<Record<string, H>>;
  readonly attach?: H;
};

/** An artifact; each input is listed once, in order of first use. Throws when a config is no JSON. */
export function wireOci<H>(over: OciOver<H>): Wired<H> & { readonly op: OciSpec } {
  const { positionOf, inputs } = numbering<H>();
  const { variants, layers, from, platform, config, configFrom, annotations, ...rest } = over;
  const single = {
    ...(layers && { layers }),
    ...(from !== undefined && { from }),
    ...(platform && { platform }),
    ...(config && { config }),
    ...(configFrom !== undefined && { configFrom }),
  };
  const numbered = (variants ?? [single]).map((variant): OciVariant => {
    const { layers: named = [], from: tree, config: document, configFrom: file, ...others } = variant;
    return {
      ...others,
      layers: named.map((layer) => ({ ...layer, from: positionOf(layer.from) })),
      ...(tree !== undefined && { from: positionOf(tree) }),
      ...(document !== undefined && { config: canonicalJson(document) }),
      ...(file !== undefined && { configFrom: positionOf(file) }),
    };
  });
  return { op: { type: 'oci', ...rest, ...(annotations && { annotations }), variants: numbered }, inputs: inputs() };
}

/** A bill of materials; what it tells of is sorted by name, and the layout comes last. */
export function wireSbom<H>({ of, attach, ...rest }: SbomOver<H>): Wired<H> & { readonly op: SbomSpec } {
  const names = Object.keys(of).toSorted();
  const handles = names.flatMap((name) => of[name] ?? []);
  if (attach === undefined) return { op: { type: 'sbom', ...rest, names }, inputs: handles };
  return { op: { type: 'sbom', ...rest, names, attach: names.length }, inputs: [...handles, attach] };
}
