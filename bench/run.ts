import { build } from 'esbuild';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { availableParallelism, loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { bundleOptions, workers } from '../scripts/bundle-options.ts';
import { allCases } from './cases.ts';
import { engineCases } from './engine-cases.ts';
import { imageCases } from './image-cases.ts';
import { ociCases } from './oci-cases.ts';
import { measure } from './measure.ts';

/**
 * Times every case as a whole process against its peers and prints the table:
 * `run.ts [--quick] [--only WORD] [--rounds N] [--markdown FILE]`. Quick is small and says nothing about the goals.
 */
const quick = process.argv.includes('--quick');
const only = optionOf('--only') ?? '';
const markdown = optionOf('--markdown');
const rounds = Number(optionOf('--rounds') ?? 5);
const loadBefore = loadavg()[0] ?? 0;
const folder = mkdtempSync(join(tmpdir(), 'portkit-bench-'));
const programs = join(import.meta.dirname, '..', 'build', 'bench');

await build({
  ...bundleOptions,
  entryPoints: { ...workers, ...Object.fromEntries(programNames().map((name) => [name, `bench/programs/${name}.ts`])) },
  outdir: programs,
});

try {
  const place = { folder, programs, large: quick ? 64 : 1024, small: quick ? 2000 : 20_000 };
  const cases = [...allCases(place), ...imageCases(place), ...ociCases(place), ...engineCases({ folder, quick })];
  const wanted = cases.filter(({ ours }) => ours.some(({ name }) => name.includes(only)));
  const rows = wanted.flatMap((one) => {
    const rows = measure(one, rounds);
    for (const row of rows) console.error(row.join('  '));
    return rows;
  });
  const table = [
    ['Case', 'Peer', 'Ours', 'Peer', 'Median (min – max)', 'Goal', ''],
    ['---', '---', '---:', '---:', '---:', '---:', '---'],
    ...rows,
  ];
  const text = table.map((cells) => `| ${cells.join(' | ')} |`).join('\n');
  const load = [loadBefore, loadavg()[0] ?? 0].map((value) => value.toFixed(1));
  const minutes = (performance.now() / 60_000).toFixed(1);
  const about =
    `One run of ${minutes} minutes on ${availableParallelism()} cores, Node ${process.version.slice(1)}, ` +
    `at least ${rounds} rounds each; load average ${load[0]} before it and ${load[1]} at its end.`;
  console.log(`${text}\n\n${about}`);
  if (markdown !== undefined) {
    const page = readFileSync(markdown, 'utf8');
    const marked = /<!-- table -->[^]*<!-- end -->/;
    writeFileSync(
      markdown,
      page.replace(marked, () => `<!-- table -->\n\n${text}\n\n${about}\n\n<!-- end -->`),
    );
  }
} finally {
  rmSync(folder, { recursive: true, force: true });
}

function programNames(): readonly string[] {
  return [
    'copy-contents',
    'get',
    'look-up',
    'make-ext4',
    'make-layout',
    'make-records',
    'peak-at-exit',
    'put-file',
    'put-small',
    'snapshot',
  ];
}

function optionOf(name: string): string | undefined {
  const at = process.argv.indexOf(name);
  return at < 0 ? undefined : process.argv[at + 1];
}
