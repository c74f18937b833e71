import { PortkitError } from '../../base/errors.ts';
import { decompress } from '../../formats/compression/decompress.ts';

/** The options a kernel was built with, by name (`CONFIG_PVH`), as written: `y`, `m`, a number or a text in quotes. */
export type KernelConfig = ReadonlyMap<string, string>;

/** The largest configurations have 300 KiB. */
const limits = { bytes: 8 * 2 ** 20, ratio: 1000, free: 2 ** 20 };

/** Reads the configuration that a kernel has inside (IKCONFIG, gzip); PK3702 for one that is damaged. */
export async function readConfig(packed: Uint8Array, signal: AbortSignal): Promise<KernelConfig> {
  async function* source(): AsyncGenerator<Uint8Array> {
    yield packed;
  }
  const noXz = (): never => {
    throw new Error('The configuration of a kernel is never xz');
  };
  const parts: Uint8Array[] = [];
  try {
    for await (const part of decompress(source(), { format: 'gzip', limits, unxz: noXz }, signal)) parts.push(part);
  } catch (error) {
    if (!(error instanceof PortkitError)) throw error;
    throw new PortkitError('PK3702', 'The kernel is malformed: the configuration in it is damaged', { cause: error });
  }
  return parseConfig(Buffer.concat(parts).toString('latin1'));
}

/** The options of a `.config` file; one that "is not set" is not there, and of two the last counts. */
export function parseConfig(text: string): KernelConfig {
  const options = new Map<string, string>();
  for (const line of text.split('\n')) {
    const [, name, value] = /^(CONFIG_[A-Za-z0-9_]{1,100})=(.{1,4096})$/.exec(line) ?? [];
    const [, unset] = /^# (CONFIG_[A-Za-z0-9_]{1,100}) is not set$/.exec(line) ?? [];
    if (name !== undefined && value !== undefined) options.set(name, value);
    if (unset !== undefined) options.delete(unset);
  }
  return options;
}
