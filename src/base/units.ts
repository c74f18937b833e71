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

/** Bytes from text such as `10GiB`; undefined when it is no size. */
export function sizeIn(text: string): number | undefined {
  return scaled(text, sizeUnits);
}

/** Milliseconds from text such as `7d`; undefined when it is no duration. */
export function durationIn(text: string): number | undefined {
  return scaled(text, timeUnits);
}

/** Bytes for people. */
export function showSize(bytes: number): string {
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];
  const power = bytes < 1 ? 0 : Math.min(units.length - 1, Math.floor(Math.log2(bytes) / 10));
  const value = bytes / 2 ** (10 * power);
  return `${power === 0 ? value : value.toFixed(1)} ${units[power] ?? 'B'}`;
}

/** Milliseconds for people: `0.4 s`, `2 m 05 s`, `1 h 02 m`. */
export function showDuration(ms: number): string {
  if (ms < 59_950) return `${(ms / 1000).toFixed(1)} s`;
  const seconds = Math.round(ms / 1000);
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return `${minutes} m ${String(seconds % 60).padStart(2, '0')} s`;
  return `${Math.floor(minutes / 60)} h ${String(minutes % 60).padStart(2, '0')} m`;
}

function scaled(text: string, units: Readonly<Record<string, number>>): number | undefined {
  const [, digits = '', unit = ''] = /^([0-9]{1,15}(?:\.[0-9]{1,3})?)([A-Za-z]*)$/.exec(text) ?? [];
  const factor = digits === '' || !Object.hasOwn(units, unit) ? undefined : units[unit];
  const value = factor === undefined ? Number.NaN : Math.round(Number(digits) * factor);
  return Number.isSafeInteger(value) ? value : undefined;
}
