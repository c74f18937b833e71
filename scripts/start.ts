import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { showDuration, showSize } from '../src/base/units.ts';
import { findProgram } from '../src/base/find-program.ts';
import type { StepRecord } from '../src/cli/step-records.ts';

/**
 * What `npm start` does: builds examples/hello, which every machine can, then the bootable set of examples/quickstart as far
 * as this machine can, and boots it. What is missing because of this machine (no package source, no compiler, no QEMU) is
 * told and is no failure, unless --strict is given; anything else that fails is one.
 */

/** What `portkit build --metadata-file` says. */
interface Metadata {
  readonly targets: Readonly<Record<string, { readonly digest: string }>>;
  /** The step that makes each target. */
  readonly wanted: Readonly<Record<string, string>>;
  readonly steps: readonly StepRecord[];
}

/** The package source cannot be reached or no longer has what is pinned; a program is not installed. */
const ofTheMachine = new Set(['PK3201', 'PK3202', 'PK3203', 'PK3205', 'PK3812', 'PK6901']);
const quickstart = ['build', '--file', 'examples/quickstart/portkit.toml', '--project', '.'];
const out = 'build/quickstart';
/** A compiler without what it links with. */
const lacksLibc = !existsSync('/usr/include/stdio.h');
const isStrict = process.argv.includes('--strict');
const machine = {
  x64: { debian: 'amd64', qemu: 'x86_64', packaged: 'x86' },
  arm64: { debian: 'arm64', qemu: 'aarch64', packaged: 'arm' },
}[process.arch as string];

process.exitCode = main();

function main(): number {
  const hello = portkit('inherit', 'build', '--file', 'examples/hello/portkit.toml', '--output', 'build/hello');
  if (hello !== 0) return hello;
  if (machine === undefined) return say(`\nThere is no quickstart for ${process.arch}.`, 0);
  mkdirSync('build', { recursive: true });
  say('\nA complete bootable set from the packages of Debian (examples/quickstart):', 0);
  const report = 'build/quickstart.json';
  rmSync(report, { force: true });
  const set = ['--set', `arch=${machine.debian}`];
  const status = portkit('ignore', ...quickstart, ...set, '--keep-going', '--metadata-file', report);
  if (!existsSync(report)) return status;
  const built = JSON.parse(readFileSync(report, 'utf8')) as Metadata;
  const made = Object.keys(built.targets);
  if (made.length > 0) {
    const exported = portkit('ignore', ...quickstart, ...set, ...made, '--output', out, '--quiet');
    if (exported !== 0) return exported;
  }
  say(`\n${tableOf(built)}`, 0);
  if (status === 0) return boot(machine);
  const failures = built.steps.filter(({ state }) => state === 'failed');
  const missing = Object.keys(built.wanted).filter((name) => !made.includes(name));
  const why = failures.map(({ step, code, message = '' }) => `  ${step}: ${code}: ${message.slice(0, 200)}`);
  say(`\nNot made here: ${missing.join(', ')}, because\n${why.join('\n')}`, 0);
  if (failures.some(({ step }) => step === 'agent')) say('    The agent is compiled: apt-get install -y gcc libc6-dev', 0);
  const isOurs = failures.some(({ step, code = '' }) => !ofTheMachine.has(code) && !(step === 'agent' && lacksLibc));
  return isOurs || isStrict ? status : say(`\nThe rest is as it should be. (--strict makes this exit status ${status}.)`, 0);
}

function boot({ qemu, packaged }: { readonly qemu: string; readonly packaged: string }): number {
  const argv = ['boot', '--kernel', `${out}/vmlinux`, '--initrd', `${out}/initrd`, '--rootfs', `${out}/rootfs.ext4`];
  if (findProgram(`qemu-system-${qemu}`, process.env['PATH'] ?? '') !== undefined) {
    say('', 0);
    return portkit('inherit', ...argv, '--vmm', 'qemu', '--console', `${out}/console.log`);
  }
  const how = `Nothing here can boot it: apt-get install -y qemu-system-${packaged}, then\n  sh bin/portkit ${argv.join(' ')}`;
  return say(`\n${how}`, isStrict ? 69 : 0);
}

function tableOf({ targets, wanted, steps }: Metadata): string {
  const rows = Object.entries(targets).map(([name, { digest }]) => {
    const record = steps.find(({ step }) => step === wanted[name]);
    const path = join(out, name);
    const how = record?.state === 'done' ? `${showDuration(record.ms)} (${record.why ?? ''})` : 'cached';
    return [name, showSize(statSync(path).size), how, path, digest];
  });
  const widths = [0, 1, 2, 3].map((at) => Math.max(0, ...rows.map((row) => row[at]?.length ?? 0)));
  return rows.map((row) => row.map((cell, at) => cell.padEnd(widths[at] ?? 0)).join('  ')).join('\n');
}

function say(text: string, status: number): number {
  console.log(text);
  return status;
}

function portkit(stdout: 'inherit' | 'ignore', ...argv: readonly string[]): number {
  const { status } = spawnSync('sh', ['bin/portkit', ...argv], { stdio: ['ignore', stdout, 'inherit'] });
  return status ?? 1;
}
