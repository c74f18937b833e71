import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { damageMatrix } from './damage.ts';
import { fullDisks, fullInodes, readOnlyDisks } from './disks.ts';
import { failedCalls, failedReads } from './errors.ts';
import { everyCall, randomKills } from './kills.ts';
import { manyProcesses, wrongClocks } from './many.ts';
import { powerCuts } from './power.ts';
import type { Row } from './row.ts';
import { tableOf, withTable } from './table.ts';

/**
 * Runs every class of faults and prints one table: `run.ts [--fast] [--only WORD] [--markdown]`. With `--markdown` each row
 * is also written into docs/reliability.md, in the place of the older one of its name.
 */
const fast = process.argv.includes('--fast');
const only = process.argv.includes('--only') ? process.argv[process.argv.indexOf('--only') + 1] : undefined;

const markdown = process.argv.includes('--markdown');
const document = fileURLToPath(new URL('../../docs/reliability.md', import.meta.url));

/** What makes the rows of each class, one after another. */
const classes: Readonly<Record<string, readonly (() => Promise<Row>)[]>> = {
  power: [() => powerCuts(fast ? 8 : 60)],
  kills: [() => randomKills(fast ? 24 : 200)],
  calls: everyCall(fast ? 4 : 1000),
  many: [() => manyProcesses(fast ? 5 : 40)],
  clocks: [wrongClocks],
  damage: [() => damageMatrix(fast ? 22 : 1000)],
  full: [() => fullDisks(fast ? 4 : 64)],
  inodes: [() => fullInodes(fast ? 4 : 40)],
  readonly: [() => readOnlyDisks(fast ? 3 : 20)],
  errors: failedCalls(fast ? 4 : 1000),
  reads: [() => failedReads(fast ? 6 : 1000)],
};

const rows: Row[] = [];
for (const [word, makers] of Object.entries(classes)) {
  if (only !== undefined && word !== only) continue;
  for (const make of makers) {
    const row = await make();
    rows.push(row);
    if (markdown) writeFileSync(document, withTable(readFileSync(document, 'utf8'), [row]));
    console.error(
      `${row.name}: ${row.skipped ?? `${row.faults} faults, ${row.lost} lost, ${row.corrupt} corrupt, ${row.broken.length} broken`}`,
    );
  }
}
if (rows.length === 0) throw new Error(`There is no class "${only}"; there are ${Object.keys(classes).join(', ')}`);

console.log(`\n${tableOf(rows)}\n`);

const skipped = rows.filter((row) => row.skipped !== undefined).length;
const failed = rows.filter((row) => row.skipped === undefined && isWrong(row)).length;
console.log(`Faults: ${rows.length - failed - skipped} passed, ${failed} failed, ${skipped} skipped`);
process.exitCode = failed === 0 ? 0 : 1;

/** A class fails when the store broke a promise, when nothing was tried, or when a broken store was not caught. */
function isWrong({ faults, lost, corrupt, broken, controls }: Row): boolean {
  const blind = controls.length === 0 || controls.some(({ caught }) => caught === 0);
  return lost + corrupt + broken.length > 0 || faults === 0 || blind;
}
