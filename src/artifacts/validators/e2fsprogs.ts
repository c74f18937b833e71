import type { RunProgram } from '../../ops/run-program.ts';
import { PortkitError } from '../../base/errors.ts';
import type { Fault } from '../workflow/validator.ts';
import { fault } from './fault.ts';

/** How the programs of e2fsprogs are started, and where they are looked for (`PATH`; what only root uses is in it too). */
export interface Judges {
  readonly run: RunProgram;
  readonly path: string;
}

/** After so many lines it is clear enough. */
const mostLines = 100;

/** What e2fsck says of every image. */
const usual = [
  /^e2fsck 1\.\d/,
  /^Pass [1-5]: Checking \w/,
  /: \d+\/\d+ files \([\d.]+% non-contiguous\), \d+\/\d+ blocks$/,
  /^\s*$/,
];

/**
 * What `e2fsck -fn` has against an image; nothing when it is not installed. It ends with 0 for some damage ("Free blocks count
 * wrong … Fix? no"), so anything that it does not say of every image counts.
 */
export async function e2fsckFaults(image: string, judges: Judges, signal: AbortSignal): Promise<readonly Fault[]> {
  const ended = await say(['e2fsck', '-fn', image], judges, signal);
  if (ended === undefined) return [];
  const lines = `${ended.stdout}\n${ended.stderr}`.split('\n').filter((line) => !usual.some((form) => form.test(line)));
  if (lines.length === 0 && ended.status !== 0) lines.push(`it ended with status ${ended.status}`);
  const more = lines.length - mostLines;
  const shown = more > 0 ? [...lines.slice(0, mostLines), `and ${more} more lines`] : lines;
  return shown.map((line) => fault('e2fsck', line));
}

/** Which of these paths debugfs does not find in an image; nothing when it is not installed. Its status is always 0. */
export async function debugfsFaults(
  { image, paths }: { readonly image: string; readonly paths: readonly string[] },
  judges: Judges,
  signal: AbortSignal,
): Promise<readonly Fault[]> {
  const faults: Fault[] = [];
  for (const path of paths) {
    const ended = await say(['debugfs', '-R', `stat ${path}`, image], judges, signal);
    if (ended !== undefined && !/^Inode: \d+ /m.test(ended.stdout)) faults.push(fault('debugfs', `it finds no ${path}`));
  }
  return faults;
}

/** As much as is kept of what a program says. */
const longest = 2 ** 20;

async function say(argv: readonly [string, ...string[]], { run, path }: Judges, signal: AbortSignal) {
  const { stdout, ended } = run({ argv, env: { PATH: path, LC_ALL: 'C' }, signal });
  let text = '';
  for await (const chunk of stdout) text = (text + Buffer.from(chunk).toString('latin1')).slice(0, longest);
  try {
    return { stdout: text, ...(await ended) };
  } catch (error) {
    if (error instanceof PortkitError && error.code === 'PK6901') return undefined;
    throw error;
  }
}
