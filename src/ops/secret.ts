import { PortkitError } from '../base/errors.ts';

/** The value of a secret, or undefined when none was given. */
export type Secrets = (name: string) => Uint8Array | undefined;

/** The value of a secret that a step needs; PK3108 when none was given. */
export function secretOf(name: string, secrets: Secrets): Uint8Array {
  const value = secrets(name);
  if (value !== undefined) return value;
  throw new PortkitError('PK3108', `The secret ${JSON.stringify(name)} was not given`, {
    hint: `Give it with --secret ${name}=FILE`,
  });
}
