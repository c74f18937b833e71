import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { total } from './judge.ts';
import type { Verdict } from './judge.ts';
import type { Mutant } from './mutants.ts';
import { inLanes } from './process.ts';

/** One row of the table: a class of faults, and whether each deliberately broken store was caught by the same check. */
export interface Row extends Verdict {
  readonly name: string;
  readonly faults: number;
  readonly controls: readonly Control[];
  readonly seconds: number;
  readonly skipped?: string;
}

/** What the check said of a broken store: nothing would mean that the check is blind. */
export interface Control {
  readonly mutant: Mutant;
  readonly caught: number;
}

/** A row of a class that cannot run here. */
export function skip(name: string, reason: string): Row {
  return { name, faults: 0, ...total([]), controls: [], seconds: 0, skipped: reason };
}

/** A class: its faults against the sound store, then against each broken one until that is caught. */
export async function tryAll<Fault>(options: {
  readonly name: string;
  readonly faults: readonly Fault[];
  readonly run: (fault: Fault, mutant?: Mutant) => Promise<Verdict>;
  readonly controls: readonly Mutant[];
  /** The faults that a broken store meets, where they are not the same. */
  readonly faultsOf?: (mutant: Mutant) => Promise<readonly Fault[]>;
  /** How many faults at once. */
  readonly lanes?: number;
}): Promise<Row> {
  const { name, faults, run, controls: mutants, faultsOf, lanes = 2 } = options;
  const start = performance.now();
  const verdicts = await inLanes(faults, lanes, async (fault) => {
    const verdict = await run(fault);
    const { lost, corrupt, broken } = verdict;
    if (lost + corrupt + broken.length > 0) console.error(name, fault, `${lost} lost, ${corrupt} corrupt`, broken);
    return verdict;
  });
  const controls = await inLanes(mutants, lanes, async (mutant): Promise<Control> => {
    for (const fault of (await faultsOf?.(mutant)) ?? faults) {
      const { lost, corrupt, broken } = await run(fault, mutant);
      const caught = lost + corrupt + broken.length;
      if (caught > 0) return { mutant, caught };
    }
    return { mutant, caught: 0 };
  });
  const seconds = Math.round((performance.now() - start) / 1000);
  return { name, faults: faults.length, ...total(verdicts), controls, seconds };
}

/** Runs with a folder of its own, which is gone afterwards. */
export async function withFolder<T>(run: (folder: string) => Promise<T>): Promise<T> {
  const folder = mkdtempSync(join(tmpdir(), 'portkit-fault-'));
  try {
    return await run(folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Repeatable numbers between 0 and 1, so that a failing run can be run again. */
export function numbers(seed: number, count: number): readonly number[] {
  let state = seed;
  return Array.from({ length: count }, () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  });
}

/** At most `most` items, spread evenly over all of them. */
export function spread<T>(items: readonly T[], most: number): readonly T[] {
  if (items.length <= most) return items;
  return items.filter((_, at) => Math.floor((at * most) / items.length) !== Math.floor(((at - 1) * most) / items.length));
}
