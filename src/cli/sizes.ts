import { PortkitError } from '../base/errors.ts';

const sizeUnits: Readonly<Record<string, number>> = {
  '': 1,
  B: 1,
  KiB: 2 ** 10,
  MiB: 2 ** 20,
  GiB: 2 ** 30,
  TiB: 2 ** 40,
  KB: 1e3,
  MB: 1e6,
  GB: 1e9,
  TB: 1e12,
};
const timeUnits: Readonly<Record<string, number>> = { s: 1e3, m: 60e3, h: 3600e3, d: 86_400e3, w: 604_800e3 };

/** Bytes from text such as `10GiB`. */
export function parseSize(text: string, option: string): number {
  return scaled(text, sizeUnits, `--${option} takes a size such as 10GiB or 500MB`);
}

/** Milliseconds from text such as `7d`. */
export function parseDuration(text: string, option: string): number {
  return scaled(text, timeUnits, `--${option} takes a time such as 12h or 7d`);
}

function scaled(text: string, units: Readonly<Record<string, number>>, hint: string): number {
  const [, digits = '', unit = ''] = /^([0-9]{1,15}(?:\.[0-9]{1,3})?)([A-Za-z]*)$/.exec(text) ?? [];
  const factor = digits === '' || !Object.hasOwn(units, unit) ? undefined : units[unit];
  const value = factor === undefined ? Number.NaN : Math.round(Number(digits) * factor);
  if (!Number.isSafeInteger(value))
    throw new PortkitError('PK1004', `The value ${JSON.stringify(text)} is not understood`, { hint });
  return value;
}

/** Bytes for people. */
export function showSize(bytes: number): string {
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];
  const power = bytes < 1 ? 0 : Math.min(units.length - 1, Math.floor(Math.log2(bytes) / 10));
  const value = bytes / 2 ** (10 * power);
  return `${power === 0 ? value : value.toFixed(1)} ${units[power] ?? 'B'}`;
}
