import type { LayerOver, OciOver, SbomOver, VariantOver } from '../../../src/graph/wire-postprocess.ts';
import type { Step } from '../schema/definition.ts';
import type { Complain } from './complain.ts';

type OciTable = NonNullable<Step['oci']>;
type VariantTable = NonNullable<OciTable['variants']>[number];
type LayerTable = NonNullable<VariantTable['layers']>[number];

/** `oci = { … }`. */
export function oci(
  { variants, family, artifact_type: artifactType, config_type: configType, tag, ...single }: OciTable,
  complain: Complain,
): OciOver<string> {
  const beside = ['layers', 'from', 'platform', 'config', 'config_from'].find((key) => Object.hasOwn(single, key));
  if (variants !== undefined && beside !== undefined)
    complain(['oci', beside], `with variants, ${beside} belongs to each of them`, 'Put it into the tables of variants');
  const types = {
    ...(family !== undefined && { family }),
    ...(artifactType !== undefined && { artifactType }),
    ...(configType !== undefined && { configType }),
    ...(tag !== undefined && { tag }),
  };
  if (variants === undefined) return { ...types, ...variant(single, (at, ...told) => complain(['oci', ...at], ...told)) };
  return {
    ...types,
    ...(single.annotations && { annotations: single.annotations }),
    variants: variants.map((one, index) => variant(one, (at, ...told) => complain(['oci', 'variants', index, ...at], ...told))),
  };
}

function variant(
  { layers, config, config_from: configFrom, platform, ...rest }: VariantTable,
  complain: Complain,
): VariantOver<string> {
  if (layers !== undefined && rest.from !== undefined)
    complain(['from'], 'an artifact is made of layers, or from a tree that says its layers itself');
  if (config !== undefined && configFrom !== undefined)
    complain(['config_from'], 'the config is either written here or comes from a step');
  const odd = notJson(config);
  if (odd !== undefined) complain(['config'], `JSON has no such value: ${odd}`, 'Write dates as text, and large numbers too');
  return {
    ...rest,
    ...(layers && { layers: layers.map(layer) }),
    ...(config && odd === undefined && { config }),
    ...(configFrom !== undefined && { configFrom }),
    ...(platform && { platform: { ...platform, architecture: architectures[platform.architecture] ?? platform.architecture } }),
  };
}

/** The words of OCI for the processors of `[matrix]`. */
const architectures: Readonly<Record<string, string>> = { x86_64: 'amd64', aarch64: 'arm64' };

function layer({ media_type: mediaType, ...rest }: LayerTable): LayerOver<string> {
  return { ...rest, ...(mediaType !== undefined && { mediaType }) };
}

/** What TOML can say and JSON cannot, or should not; undefined when there is nothing of it. */
export function notJson(value: unknown, depth = 0): string | undefined {
  if (depth > 16) return 'tables in more than 16 others';
  if (value instanceof Date) return 'a date';
  if (typeof value === 'number' && !(Number.isSafeInteger(value) || (Number.isFinite(value) && !Number.isInteger(value))))
    return `the number ${value}`;
  if (typeof value === 'string' && !value.isWellFormed()) return 'text that is no Unicode';
  if (typeof value !== 'object' || value === null) return undefined;
  for (const item of Object.values(value)) {
    const odd = notJson(item, depth + 1);
    if (odd !== undefined) return odd;
  }
  return undefined;
}

/** `sbom = { … }`. */
export function sbom({ of, format, ...rest }: NonNullable<Step['sbom']>, complain: Complain): SbomOver<string> {
  if (Object.keys(of).length === 0) complain(['sbom', 'of'], 'a bill of materials tells of at least one step');
  return { of, format, ...rest };
}
