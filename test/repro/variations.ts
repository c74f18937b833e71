import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { cpus } from 'node:os';
import { join } from 'node:path';
import { findProgram } from '../../src/base/find-program.ts';

/** One thing that is otherwise when a build is repeated, and must not matter. */
export interface Variation {
  readonly name: string;
  /** Programs that are put before the command, the outermost first, each with its arguments. */
  readonly before?: readonly (readonly string[])[];
  readonly env?: Readonly<Record<string, string>>;
  /** Options of the build. */
  readonly options?: readonly string[];
  /** How the sources lie on disk. */
  readonly sources?: {
    readonly folder?: string;
    readonly isReversed?: boolean;
    readonly isDisordered?: boolean;
    readonly mtime?: number;
  };
  /** The user and group that builds. */
  readonly uid?: number;
  /** Why it cannot be tried here. */
  readonly missing?: string;
}

const isRoot = process.getuid?.() === 0;
const nobody = 65_534;

function without(program: string, needsRoot = false): { readonly missing?: string } {
  if (findProgram(program, process.env['PATH'] ?? '') === undefined) return { missing: `there is no ${program}` };
  return needsRoot && !isRoot ? { missing: 'it takes root' } : {};
}

function disorder(): { readonly missing?: string } {
  return existsSync('/dev/fuse') ? without('disorderfs', true) : { missing: 'there is no /dev/fuse' };
}

const asNobody = ['setpriv', `--reuid=${nobody}`, `--regid=${nobody}`, '--clear-groups'] as const;

/** A clone may lie in a folder that only its owner may enter. */
function otherUser(): { readonly missing?: string } {
  const lacking = without('setpriv', true);
  if (lacking.missing !== undefined) return lacking;
  const [program, ...words] = asNobody;
  const { status } = spawnSync(program, [...words, 'test', '-r', join(process.cwd(), 'src/cli/main.ts')]);
  return status === 0 ? {} : { missing: 'the sources are not for everybody to read' };
}

const underShell = (script: string): readonly string[] => ['sh', '-c', `${script}; exec "$@"`, 'sh'];

/** What reprotest varies, as far as one machine can. */
export const variations: readonly Variation[] = [
  { name: 'nothing' },
  { name: 'another path', sources: { folder: 'a deeper/päth/with spaces' } },
  { name: 'another umask', before: [underShell('umask 077')] },
  { name: 'another locale', env: { LANG: 'tr_TR.UTF-8', LC_ALL: 'tr_TR.UTF-8', LANGUAGE: 'tr' } },
  { name: 'another time zone', env: { TZ: 'Pacific/Kiritimati' } },
  {
    name: 'another user',
    uid: nobody,
    before: [asNobody],
    ...otherUser(),
  },
  {
    name: 'another year',
    before: [['faketime', '2031-02-03 04:05:06']],
    env: { FAKETIME_DONT_FAKE_MONOTONIC: '1' },
    ...without('faketime'),
  },
  { name: 'files that were made in another order', sources: { isReversed: true } },
  { name: 'folders that list their files in another order', sources: { isDisordered: true }, ...disorder() },
  { name: 'other times of files', sources: { mtime: 86_400 } },
  {
    name: 'one processor',
    before: [['taskset', '-c', '0']],
    ...(cpus().length > 1 ? without('taskset') : { missing: 'there is but one processor' }),
  },
  { name: 'one job', options: ['--jobs', '1'] },
  {
    name: 'another environment',
    env: { HOME: '/nonexistent', USER: 'somebody', CFLAGS: '-O0', SOURCE_DATE_EPOCH: '7', XDG_CACHE_HOME: '/x' },
  },
  { name: 'another host name', before: [['unshare', '--uts', ...underShell('hostname elsewhere')]], ...without('unshare', true) },
  { name: 'no randomised addresses', before: [['setarch', '-R']], ...without('setarch') },
];

/** All at once that can be tried here. The new name space comes before root is given up. */
export function together(all: readonly Variation[]): Variation {
  const possible = all.filter(({ missing }) => missing === undefined);
  const before = possible.flatMap((one) => one.before ?? []);
  const uid = possible.find((one) => one.uid !== undefined)?.uid;
  return {
    name: 'all of these at once',
    before: [...before.filter(([program]) => program === 'unshare'), ...before.filter(([program]) => program !== 'unshare')],
    env: Object.assign({}, ...possible.map(({ env }) => env)) as Readonly<Record<string, string>>,
    options: possible.flatMap(({ options = [] }) => options),
    sources: Object.assign({}, ...possible.map(({ sources }) => sources)) as NonNullable<Variation['sources']>,
    ...(uid !== undefined && { uid }),
  };
}
