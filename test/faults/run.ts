import { readFileSync, writeFileSync } from 'node:fs';
import { collectUnderWriters, everyCall, failedSyncs, fullDisks, powerCuts, randomKills } from './classes.ts';
import type { Row } from './classes.ts';

/** Runs every class of faults and prints one table: `run.ts [--full] [--only WORD] [--markdown FILE]`. */
const full = process.argv.includes('--full');
const only = process.argv[process.argv.indexOf('--only') + 1] ?? '';
const filtered = process.argv.includes('--only');

const classes: Readonly<Record<string, () => Promise<Row>>> = {
  power: () => powerCuts(full ? 200 : 60),
  kills: () => randomKills(full ? 1000 : 200),
  calls: () => everyCall(full ? 500 : 30),
  full: () => fullDisks(full ? 64 : 12),
  syncs: () => failedSyncs(full ? 100 : 8),
  collect: () => collectUnderWriters(full ? 200 : 40),
};

const rows: { readonly row: Row; readonly seconds: number }[] = [];
for (const [word, run] of Object.entries(classes)) {
  if (filtered && word !== only) continue;
  const start = performance.now();
  const row = await run();
  rows.push({ row, seconds: (performance.now() - start) / 1000 });
  console.error(`${row.name}: ${row.skipped ?? `${row.faults} faults, ${row.lost} lost, ${row.corrupt} corrupt`}`);
}

const table = [
  '| Fault | Tried | Acknowledged | Lost | Corrupt | Lost by the control | Seconds |',
  '| --- | ---: | ---: | ---: | ---: | ---: | ---: |',
  ...rows.map(({ row, seconds }) =>
    row.skipped === undefined
      ? `| ${row.name} | ${row.faults} | ${row.acknowledged} | ${row.lost} | ${row.corrupt} | ${row.control ?? '–'} | ${seconds.toFixed(0)} |`
      : `| ${row.name} | skipped: ${row.skipped} | | | | | |`,
  ),
].join('\n');
console.log(`\n${table}\n`);

const at = process.argv.indexOf('--markdown');
if (at > 0) writeTable(process.argv[at + 1] ?? '', table);

const skipped = rows.filter(({ row }) => row.skipped !== undefined).length;
const failed = rows.filter(({ row }) => row.lost + row.corrupt > 0 || row.control === 0).length;
console.log(`Faults: ${rows.length - failed - skipped} passed, ${failed} failed, ${skipped} skipped`);
process.exitCode = failed === 0 ? 0 : 1;

function writeTable(path: string, text: string): void {
  const old = readFileSync(path, 'utf8');
  writeFileSync(path, old.replace(/<!-- table -->[^]*<!-- end -->/, `<!-- table -->\n\n${text}\n\n<!-- end -->`));
}
