import { spawnSync } from 'node:child_process';
import { accessSync, constants, cpSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import type { SourceOrder } from './host-source.ts';
import { makeSource } from './host-source.ts';

/** One way in which two builds of the same differ. */
export interface Condition {
  readonly name: string;
  /** Why it cannot be had here. */
  readonly why?: string | undefined;
  /** Put in front of the command. */
  readonly wrap?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
  /** Makes another source of the same tree, and says how to be rid of it. */
  readonly source?: (folder: string) => { readonly path: string; readonly leave?: () => void };
}

const needs = (program: string): string | undefined =>
  spawnSync(program, ['--version']).error === undefined ? undefined : `needs ${program}`;
const needsRoot = process.getuid?.() === 0 ? undefined : 'needs root';
const options = (text: string): NonNullable<Condition['env']> => ({ NODE_OPTIONS: text });

const nobody = 65_534;
const asNobody = ['setpriv', `--reuid=${nobody}`, `--regid=${nobody}`, '--clear-groups'];

/** What may not change a byte; each against a build without any of it. */
export const conditions: readonly Condition[] = [
  { name: 'nothing' },
  { name: 'umask', wrap: ['sh', '-c', 'umask 077; exec "$@"', 'sh'] },
  { name: 'locale', env: { LANG: 'tr_TR.UTF-8', LC_ALL: 'tr_TR.UTF-8' } },
  { name: 'time zone', env: { TZ: 'Pacific/Kiritimati' } },
  { name: 'no environment', wrap: ['env', '-i', `PATH=${process.env['PATH'] ?? ''}`] },
  { name: 'home and host name', why: needsRoot, wrap: ['unshare', '-u', 'sh', '-c', 'hostname elsewhere; exec "$@"', 'sh'] },
  { name: 'user', why: needsRoot ?? whyNoUser(), wrap: asNobody, source: (folder) => made(folder, 'usual', { owner: nobody }) },
  { name: 'working directory', cwd: '/' },
  { name: 'one processor', why: needs('taskset'), wrap: ['taskset', '-c', '0'] },
  { name: 'one thread for compression', env: { UV_THREADPOOL_SIZE: '1' } },
  { name: 'many threads for compression', env: { UV_THREADPOOL_SIZE: '16' } },
  { name: 'small heap', env: options('--max-old-space-size=64 --max-semi-space-size=1') },
  { name: 'large heap', env: options('--max-old-space-size=4096 --max-semi-space-size=64') },
  { name: 'temporary folder', env: { TMPDIR: '/dev/shm' } },
  { name: 'Node', why: otherNode() === undefined ? 'PORTKIT_OTHER_NODE names no other Node' : undefined, env: nodeOf() },
  { name: 'order in which files were made', source: (folder) => made(folder, 'reversed', {}) },
  { name: 'times of the source', source: (folder) => made(folder, 'usual', { time: 1_234_567_890.123 }) },
  { name: 'file system', why: whyNoShm(), source: () => made(mkdtempSync('/dev/shm/portkit-'), 'usual', { alone: true }) },
  { name: 'copied source', source: copied },
  { name: 'order of directories', why: whyNoDisorder(), source: disordered },
];

function otherNode(): string | undefined {
  const path = process.env['PORTKIT_OTHER_NODE'];
  return path === undefined || path === '' ? undefined : path;
}

function nodeOf(): Readonly<Record<string, string>> {
  const path = otherNode();
  return path === undefined ? {} : { PORTKIT_NODE: path };
}

function whyNoUser(): string | undefined {
  const { status, error } = spawnSync('setpriv', [...asNobody.slice(1), 'test', '-r', import.meta.filename]);
  return error === undefined && status === 0 ? undefined : 'needs setpriv, and sources that everybody may read';
}

function whyNoShm(): string | undefined {
  try {
    accessSync('/dev/shm', constants.W_OK);
    return undefined;
  } catch {
    return 'needs /dev/shm';
  }
}

function made(
  folder: string,
  order: SourceOrder,
  { alone = false, ...rest }: { readonly time?: number; readonly owner?: number; readonly alone?: boolean },
): ReturnType<NonNullable<Condition['source']>> {
  const path = join(folder, 'source');
  makeSource(path, { order, ...rest });
  return { path, ...(alone && { leave: () => rmSync(folder, { recursive: true }) }) };
}

/** Other inodes, and room that another program gave. */
function copied(folder: string): { readonly path: string } {
  const path = join(folder, 'source');
  makeSource(`${path}.first`, { order: 'usual' });
  const { status } = spawnSync('cp', ['-a', '--sparse=always', `${path}.first`, path]);
  if (status !== 0) cpSync(`${path}.first`, path, { recursive: true, preserveTimestamps: true });
  return { path };
}

/** Whatever reads it reads directories in another order each time. */
function whyNoDisorder(): string | undefined {
  const found = (process.env['PATH'] ?? '').split(delimiter).some((folder) => {
    try {
      accessSync(join(folder, 'disorderfs'), constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
  if (!found) return 'needs disorderfs';
  try {
    accessSync('/dev/fuse', constants.W_OK);
    return undefined;
  } catch {
    return 'needs /dev/fuse';
  }
}

function disordered(folder: string): ReturnType<NonNullable<Condition['source']>> {
  const { path } = made(folder, 'usual', {});
  const at = join(folder, 'mounted');
  mkdirSync(at);
  const { status, stderr } = spawnSync('disorderfs', ['--shuffle-dirents=yes', path, at], { encoding: 'utf8' });
  if (status !== 0) throw new Error(stderr);
  return { path: at, leave: () => void spawnSync('fusermount', ['-u', at]) };
}
