import { PortkitError } from '../base/errors.ts';
import { durationIn, sizeIn } from '../base/units.ts';

/** Bytes from text such as `10GiB`. */
export function parseSize(text: string, option: string): number {
  return understood(text, sizeIn(text), `--${option} takes a size such as 10GiB or 500MB`);
}

/** Milliseconds from text such as `7d`. */
export function parseDuration(text: string, option: string): number {
  return understood(text, durationIn(text), `--${option} takes a time such as 12h or 7d`);
}

function understood(text: string, value: number | undefined, hint: string): number {
  if (value === undefined) throw new PortkitError('PK1004', `The value ${JSON.stringify(text)} is not understood`, { hint });
  return value;
}
