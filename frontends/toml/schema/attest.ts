import { z } from 'zod';
import { filled, reference } from './values.ts';

const from = { from: reference };

const told = {
  mode: z.enum(['min', 'max']).exactOptional(),
  attach: z.boolean().exactOptional(),
  builder: filled.exactOptional(),
  time: z.int().exactOptional(),
};

const signature = { key: filled, passphrase: filled.exactOptional() };

const trust = { keys: z.array(filled).min(1), predicate_types: z.array(filled).exactOptional() };

/** `provenance = { … }`. */
export const provenance = z.strictObject({ ...from, ...told });

/** `sign = { … }`. */
export const sign = z.strictObject({ ...from, ...signature });

/** `verify = { … }`. */
export const verify = z.strictObject({ ...from, ...trust });

/** The same as postprocessors, which work on what came before them. */
export const attestations = {
  provenance: z.strictObject(told).exactOptional(),
  sign: z.strictObject(signature).exactOptional(),
  verify: z.strictObject(trust).exactOptional(),
};
