import { join } from 'node:path';
import { damageCases } from './damage-cases.ts';
import { alsoBroken, nothing } from './judge.ts';
import type { Verdict } from './judge.ts';
import type { Mutant } from './mutants.ts';
import { runWorker } from './process.ts';
import { spread, tryAll, withFolder } from './row.ts';
import type { Row } from './row.ts';

/** The corruption matrix: every damage to every kind of object, each in a process of its own, as some could hang one. */
export function damageMatrix(most: number): Promise<Row> {
  const all = damageCases.map((_, at) => at);
  return tryAll({
    name: 'damage of every kind to every kind of object',
    faults: spread(all, most),
    faultsOf: () => Promise.resolve(all),
    run: damage,
    controls: ['no hash on read', 'no healing', 'verification blind', 'nothing kept', 'records unchecked'],
  });
}

function damage(at: number, mutant?: Mutant): Promise<Verdict> {
  return withFolder(async (folder) => {
    const task = { job: 'damage', root: join(folder, 'store'), rounds: at, mutant, timeout: 20_000 };
    const lines = await runWorker(task);
    const wrongs = lines.filter((line) => line !== 'end').map((line) => `${nameOf(at)}: ${line}`);
    return alsoBroken({ ...nothing, broken: wrongs }, { [`${nameOf(at)} ends`]: lines.includes('end') });
  });
}

function nameOf(at: number): string {
  return `${damageCases[at]?.object}, ${damageCases[at]?.damage}`;
}
