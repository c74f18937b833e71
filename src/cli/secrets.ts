import { readFileSync } from 'node:fs';
import { PortkitError } from '../base/errors.ts';
import { systemReason } from '../base/system-reason.ts';
import type { Invocation, Option } from './command.ts';
import { pairsOption } from './values.ts';

/** How secrets are given: never by their values, which everybody on the machine could read in the list of processes. */
export const secretOption: Option = {
  type: 'string',
  value: 'NAME=FILE',
  multiple: true,
  help: 'a secret for steps: a file, or env:VARIABLE',
};

/** The secrets of a command line, read once; an unnamed one is undefined. */
export function secretsOf(options: Invocation['options']): (name: string) => Uint8Array | undefined {
  const read = Object.entries(pairsOption(options, 'secret')).map(([name, source]) => [name, readSecret(name, source)] as const);
  const values = new Map(read);
  return (name) => values.get(name);
}

function readSecret(name: string, source: string): Uint8Array {
  if (source.startsWith('env:')) {
    const value = process.env[source.slice('env:'.length)];
    if (value !== undefined) return Buffer.from(value);
    throw new PortkitError('PK3108', `The secret ${JSON.stringify(name)}: the variable ${source.slice(4)} is not set`);
  }
  try {
    return readFileSync(source);
  } catch (cause) {
    throw new PortkitError(
      'PK3108',
      `The secret ${JSON.stringify(name)}: the file ${source} cannot be read: ${systemReason(cause)}`,
      { cause },
    );
  }
}
