import { z } from 'zod';
import { artifacts, controlPlane } from './port.ts';
import { step } from './steps.ts';
import { architecture, filled, name, protectionMode, reference, substrate, text } from './values.ts';

const variable = z.string().regex(/^[A-Za-z_][A-Za-z0-9_-]{0,99}$/, { error: 'expected a name of letters, digits, _ and -' });

const matrix = z.strictObject({
  architecture: z.array(architecture).min(1).exactOptional(),
  substrate: z.array(substrate).min(1).exactOptional(),
  protection_mode: z.array(protectionMode).min(1).exactOptional(),
  exclude: z
    .array(
      z.strictObject({
        architecture: architecture.exactOptional(),
        substrate: substrate.exactOptional(),
        protection_mode: protectionMode.exactOptional(),
      }),
    )
    .exactOptional(),
});

/** A whole file: our tables, Port's artifacts, and Port's other tables, which are left alone. */
export const definition = z.strictObject({
  include: z.array(filled).exactOptional(),
  env: z.array(filled).exactOptional(),
  vars: z.record(variable, text).exactOptional(),
  matrix: matrix.exactOptional(),
  steps: z.record(name, step).exactOptional(),
  targets: z.record(name, reference).exactOptional(),
  artifacts: artifacts.exactOptional(),
  control_planes: z.record(name, controlPlane).exactOptional(),
  hosts: z.unknown().optional(),
  nodes: z.unknown().optional(),
  host_groups: z.unknown().optional(),
  machines: z.unknown().optional(),
  clusters: z.unknown().optional(),
  services: z.unknown().optional(),
});

/** A file that has passed the schema. */
export type Definition = z.output<typeof definition>;

/** One step that has passed the schema. */
export type Step = z.output<typeof step>;
