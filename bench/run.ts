import { spawnSync } from 'node:child_process';
import { randomFillSync } from 'node:crypto';
import { closeSync, mkdirSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync, writeSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';

/**
 * Times named cases as whole processes against a peer in the same run, in turn (A B A B …) after one warm-up, and prints
 * the median of the ratios pair by pair: `run.ts [--quick] [--only NAME] [--markdown FILE]`.
 * Nothing is deleted before the end: deleting makes the creates that follow slower on some file systems.
 */
const quick = process.argv.includes('--quick');
const only = process.argv.includes('--only') ? process.argv[process.argv.indexOf('--only') + 1] : undefined;
const pairs = quick ? 3 : 5;
const folder = mkdtempSync(join(tmpdir(), 'portkit-bench-'));
const big = join(folder, 'big');
const program = (name: string): string => join(import.meta.dirname, 'programs', `${name}.ts`);
const node = process.execPath;
let fresh = 0;
const freshPath = (): string => join(folder, `fresh-${(fresh += 1)}`);

interface Case {
  readonly name: string;
  readonly peer: string;
  readonly goal: number;
  readonly prepare?: () => void;
  ours(): readonly string[];
  theirs(): readonly string[];
}

const megabytes = quick ? 64 : 1024;
const smalls = quick ? 2000 : 20_000;
const bare = (): readonly string[] => [node, '-e', '0'];
const filled = join(folder, 'filled');
const smallFiles = join(folder, 'small');

const cases: readonly Case[] = [
  {
    name: '--version, bundle',
    peer: 'node -e 0',
    goal: 1.25,
    ours: () => [node, 'build/portkit/portkit.mjs', '--version'],
    theirs: bare,
  },
  { name: '--version, source', peer: 'node -e 0', goal: 1.5, ours: () => [node, 'src/cli/main.ts', '--version'], theirs: bare },
  {
    name: `put ${megabytes} MiB, durable`,
    peer: 'openssl dgst -sha256 && cp',
    goal: 1,
    prepare: makeBig,
    ours: () => [node, program('put-file'), freshPath(), big],
    theirs: () => ['sh', '-c', `openssl dgst -sha256 ${big} >/dev/null && cp ${big} ${freshPath()}`],
  },
  {
    name: `put ${megabytes} MiB, durable`,
    peer: 'sha256sum && cp',
    goal: 0.35,
    prepare: makeBig,
    ours: () => [node, program('put-file'), freshPath(), big],
    theirs: () => ['sh', '-c', `sha256sum ${big} >/dev/null && cp ${big} ${freshPath()}`],
  },
  {
    name: `put ${smalls} × 10 KiB, durable`,
    peer: 'git hash-object -w --stdin-paths',
    goal: 1,
    prepare: makeSmall,
    ours: () => [node, program('put-small'), freshPath(), smallFiles, String(smalls)],
    theirs: () => {
      const at = freshPath();
      return ['sh', '-c', `git init -q ${at} && cd ${at} && git hash-object -w --stdin-paths <${smallFiles}.list >/dev/null`];
    },
  },
  {
    name: `cache verify, ${megabytes} MiB`,
    peer: 'sha256sum',
    goal: availableParallelism() > 1 ? 0.125 : 0.25,
    prepare: makeFilled,
    ours: () => [node, 'build/portkit/portkit.mjs', 'cache', 'verify', '--root', filled],
    theirs: () => ['sh', '-c', `sha256sum ${filled}/v1/blobs/sha256/* >/dev/null`],
  },
  {
    name: 'open, 30 records looked up, cold',
    peer: 'node -e 0',
    goal: 1.1,
    prepare: () => run([node, program('look-up'), join(folder, 'records'), 'make']),
    ours: () => [node, program('look-up'), join(folder, 'records')],
    theirs: bare,
  },
];

const rows: string[] = [];
try {
  for (const one of cases) if (only === undefined || one.name.includes(only)) rows.push(measure(one));
} finally {
  rmSync(folder, { recursive: true, force: true });
}
const table = [
  '| Case | Peer | Ours, ms | Peer, ms | Ratio (min–max) | Goal | |',
  '| --- | --- | ---: | ---: | ---: | ---: | --- |',
  ...rows,
].join('\n');
console.log(`\n${table}`);
if (process.argv.includes('--markdown')) {
  const path = process.argv[process.argv.indexOf('--markdown') + 1] ?? '';
  const text = readFileSync(path, 'utf8');
  writeFileSync(path, text.replace(/<!-- table -->[^]*<!-- end -->/, `<!-- table -->\n\n${table}\n\n<!-- end -->`));
}

function measure(one: Case): string {
  one.prepare?.();
  run(one.ours());
  run(one.theirs());
  const times = Array.from({ length: pairs }, () => ({ ours: run(one.ours()), theirs: run(one.theirs()) }));
  const ratios = times.map(({ ours, theirs }) => ours / theirs).toSorted((a, b) => a - b);
  const ratio = median(ratios);
  const cells = [
    one.name,
    one.peer,
    median(times.map((time) => time.ours)).toFixed(0),
    median(times.map((time) => time.theirs)).toFixed(0),
  ];
  const range = `${ratio.toFixed(2)} (${(ratios[0] ?? 0).toFixed(2)}–${(ratios.at(-1) ?? 0).toFixed(2)})`;
  console.error(`${one.name} against ${one.peer}: ${range}`);
  return `| ${[...cells, range, `≤ ${one.goal}`, ratio <= one.goal ? 'met' : 'missed'].join(' | ')} |`;
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
}

function run([command = '', ...args]: readonly string[]): number {
  const start = performance.now();
  const done = spawnSync(command, args, { encoding: 'utf8', timeout: 300_000 });
  if (done.status !== 0) throw new Error(`${command} ${args.join(' ')} failed: ${done.stderr}`);
  return performance.now() - start;
}

function makeBig(): void {
  const fd = openSync(big, 'w');
  const block = Buffer.alloc(1 << 20);
  for (let at = 0; at < megabytes; at += 1) writeSync(fd, randomFillSync(block));
  closeSync(fd);
}

function makeSmall(): void {
  mkdirSync(smallFiles, { recursive: true });
  const paths = Array.from({ length: smalls }, (_, at) => join(smallFiles, String(at)));
  const block = Buffer.alloc(10_240);
  for (const path of paths) writeFileSync(path, randomFillSync(block));
  writeFileSync(`${smallFiles}.list`, `${paths.join('\n')}\n`);
}

function makeFilled(): void {
  const part = Buffer.alloc(((megabytes / 8) | 0) << 20);
  for (let at = 0; at < 8; at += 1) {
    writeFileSync(join(folder, `part-${at}`), randomFillSync(part));
    run([node, program('put-file'), filled, join(folder, `part-${at}`)]);
  }
}
