import { z } from 'zod';
import { duration, filled, name, natural, reference, size, text } from './values.ts';

/** A command in the sandbox: `argv`, or a shell script. */
export const exec = z.strictObject({
  argv: z.array(text).min(1).exactOptional(),
  script: filled.exactOptional(),
  inputs: z.record(name, reference).exactOptional(),
  root: z.union([z.literal('host'), reference]).exactOptional(),
  tools: z.array(filled).exactOptional(),
  env: z.record(filled, text).exactOptional(),
  cwd: filled.exactOptional(),
  network: z.boolean().exactOptional(),
  output: z.strictObject({ file: filled }).exactOptional(),
  caches: z.array(z.strictObject({ name, to: filled, share: z.enum(['shared', 'locked']).exactOptional() })).exactOptional(),
  secrets: z.array(z.strictObject({ name, to: filled.exactOptional(), env: filled.exactOptional() })).exactOptional(),
  timeout: duration.exactOptional(),
  memory: size.exactOptional(),
  processes: natural.exactOptional(),
});
