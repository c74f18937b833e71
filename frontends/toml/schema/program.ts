import { z } from 'zod';
import { exec } from './exec.ts';
import { filled, reference, text } from './values.ts';

/** What a program over a layout shares with the command of an exec. */
const { inputs, root, tools, env, network, secrets, timeout, memory, processes } = exec.shape;
const sandbox = { inputs, root, tools, env, network, secrets, timeout, memory, processes };

/** A postprocessor of somebody else but for the layout: a program, or a module. */
export const externalFields = {
  ...sandbox,
  argv: z.array(text).min(1).exactOptional(),
  postprocessor: filled.exactOptional(),
  options: z.record(z.string(), z.unknown()).exactOptional(),
};

/** A deployment but for the layout: a command. */
export const deployFields = { ...sandbox, argv: z.array(text).min(1) };

/** `deploy = { … }`, which only artifacts have. */
export const deploy = z.strictObject({ from: reference, ...deployFields });

/** `external = { … }`. */
export const external = z.strictObject({ from: reference, ...externalFields });
