import { z } from 'zod';
import { attestations } from './attest.ts';
import { deployFields, externalFields } from './program.ts';
import { filled, name, reference, text } from './values.ts';

const annotations = z.record(filled, text);

/** A layer but for where it comes from. */
const layerFields = {
  media_type: filled.exactOptional(),
  compress: z.enum(['gzip', 'zstd']).exactOptional(),
  annotations: annotations.exactOptional(),
};

const variantFields = {
  platform: z.strictObject({ os: filled, architecture: filled, variant: filled.exactOptional() }).exactOptional(),
  config: z.record(z.string(), z.unknown()).exactOptional(),
  config_from: reference.exactOptional(),
  annotations: annotations.exactOptional(),
};

const ociFields = {
  family: filled.exactOptional(),
  artifact_type: filled.exactOptional(),
  config_type: filled.exactOptional(),
  tag: filled.exactOptional(),
};

const contents = {
  layers: z.array(z.strictObject({ name: filled, from: reference, ...layerFields })).exactOptional(),
  from: reference.exactOptional(),
  ...variantFields,
};

/** `oci = { … }`. */
export const oci = z.strictObject({
  ...ociFields,
  ...contents,
  variants: z.array(z.strictObject(contents)).min(1).exactOptional(),
});

const bom = { format: z.enum(['cyclonedx', 'spdx']), name: filled.exactOptional() };

/** `sbom = { … }`. */
export const sbom = z.strictObject({ of: z.record(filled, reference), ...bom, attach: reference.exactOptional() });

const convertFields = { to: z.enum(['qcow2', 'iso', 'gzip', 'zstd']), volume: filled.exactOptional() };

/** `convert = { … }`. */
export const convert = z.strictObject({ from: reference, ...convertFields });

/** `rewrite_timestamps = { … }`. */
export const rewriteTimestamps = z.strictObject({ from: reference, latest: z.int() });

/** One of `[[artifacts.KIND.NAME.postprocess]]`: the step of that name, without what it works on. */
export const postprocess = z.strictObject({
  name: name.exactOptional(),
  rewrite_timestamps: z.strictObject({ latest: z.int() }).exactOptional(),
  convert: z.strictObject(convertFields).exactOptional(),
  oci: z
    .strictObject({
      ...ociFields,
      layers: z.array(z.strictObject({ name: filled, from: reference.exactOptional(), ...layerFields })).exactOptional(),
      ...variantFields,
    })
    .exactOptional(),
  sbom: z
    .strictObject({ of: z.record(filled, reference).exactOptional(), ...bom, attach: z.boolean().exactOptional() })
    .exactOptional(),
  ...attestations,
  external: z.strictObject(externalFields).exactOptional(),
  /** Short for an `external` with nothing else. */
  postprocessor: filled.exactOptional(),
  deploy: z.strictObject(deployFields).exactOptional(),
});

/** One postprocessor of an artifact that has passed the schema. */
export type PostprocessTable = z.output<typeof postprocess>;
