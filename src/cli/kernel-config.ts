import { readFileSync } from 'node:fs';
import { PortkitError } from '../base/errors.ts';
import { parseConfig } from '../kernels/inspect/config.ts';

/** The options of the file that `--kconfig` names (PK1004). */
export function readConfigFile(file: string): ReturnType<typeof parseConfig> {
  try {
    return parseConfig(readFileSync(file, 'latin1'));
  } catch (cause) {
    throw new PortkitError('PK1004', `The configuration ${JSON.stringify(file)} cannot be read`, {
      hint: '--kconfig takes a file such as /boot/config-6.1.0',
      cause,
    });
  }
}
