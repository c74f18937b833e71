import { z } from 'zod';
import { postprocess } from './postprocess.ts';
import { architecture, filled, name, protectionMode, stepName, substrate } from './values.ts';

/** Port's vocabulary for artifacts: strict inside, and not part of the graph. */

const fromEnv = z.strictObject({ kind: z.literal('env'), variable: filled });

const registryAuth = z.union([
  z.strictObject({ kind: z.literal('anonymous') }),
  z.strictObject({ kind: z.literal('basic'), username: fromEnv, password: fromEnv }),
  z.strictObject({ kind: z.literal('bearer'), source: fromEnv }),
  z.strictObject({ kind: z.literal('docker-config') }),
]);

const backend = z.union([
  z.strictObject({ backend: z.literal('file-system'), root: filled }),
  z.strictObject({ backend: z.literal('hosted-api'), endpoint: filled }),
  z.strictObject({
    backend: z.literal('oci-registry'),
    transport: z.enum(['https', 'plain-http']).exactOptional(),
    tag_form: z.enum(['index', 'per-variant']).exactOptional(),
    auth: registryAuth.exactOptional(),
  }),
]);

const variant = z.strictObject({
  path: filled,
  selector: z.strictObject({ architecture, substrate, protection_mode: protectionMode }),
  build: z.strictObject({ step: stepName, initrd: stepName.exactOptional() }).exactOptional(),
});

const artifact = z.strictObject({
  build: filled.exactOptional(),
  validate: filled.exactOptional(),
  reference: z.strictObject({ registry: filled, repository: filled, version: filled }),
  distribution: z
    .strictObject({
      cache_root: filled.exactOptional(),
      push: backend.exactOptional(),
      pull: backend.exactOptional(),
    })
    .exactOptional(),
  variants: z.array(variant).exactOptional(),
  postprocess: z.array(postprocess).exactOptional(),
});

/** `distribution.push` or `distribution.pull` that has passed the schema. */
export type BackendTable = z.output<typeof backend>;

/** One table of `[artifacts.kernels]` or `[artifacts.guest_images]` that has passed the schema. */
export type ArtifactTable = z.output<typeof artifact>;

/** `[artifacts]`. */
export const artifacts = z.strictObject({
  kernels: z.record(name, artifact).exactOptional(),
  guest_images: z.record(name, artifact).exactOptional(),
});

/** `[control_planes.NAME]` that has passed the schema. */
export type ControlPlaneTable = z.output<typeof controlPlane>;

/** `[control_planes.NAME]`. */
export const controlPlane = z.strictObject({
  endpoint: filled,
  audience: filled.exactOptional(),
  auth: z
    .strictObject({
      scheme: z.literal('bearer'),
      header: filled,
      source: fromEnv,
    })
    .exactOptional(),
});
