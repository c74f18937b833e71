import { durationIn, sizeIn } from '../../../src/base/units.ts';
import type { Path } from '../findings.ts';
import { quote } from '../words.ts';

/** Tells what is wrong at a path of the step that is being read. */
export type Complain = (path: Path, message: string, hint?: string) => void;

/** An object without the keys that have no value. */
export function given<T extends object>(values: T): { readonly [K in keyof T]?: Exclude<T[K], undefined> } {
  const kept: Partial<T> = {};
  for (const key in values) if (values[key] !== undefined) kept[key] = values[key];
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- exactly these keys are left
  return kept as never;
}

/** Bytes of a size that may have had variables in it. */
export function bytes(value: string | number | undefined, path: Path, complain: Complain): number | undefined {
  if (typeof value !== 'string') return value;
  const size = sizeIn(value);
  if (size === undefined) complain(path, `${quote(value)} is not a size`, 'sizes are written like "512MiB"');
  return size;
}

/** Milliseconds of a duration that may have had variables in it. */
export function milliseconds(value: string | undefined, path: Path, complain: Complain): number | undefined {
  if (value === undefined) return undefined;
  const duration = durationIn(value);
  if (duration === undefined) complain(path, `${quote(value)} is not a duration`, 'durations are written like "30s"');
  return duration;
}
