import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { archiveCases } from './archive-cases.ts';
import { makeFile, makeTree } from './material.ts';
import { run } from './measure.ts';
import type { Case, Command, Contender } from './measure.ts';
import { freshPaths, ours, settle, shell } from './place.ts';
import type { Place } from './place.ts';

/** Every case, in the order of the table; three share a tree, which the first of them makes, and so do those about archives. */
export function allCases(place: Place): readonly Case[] {
  const tree = join(place.folder, 'tree');
  return [
    startCase(place),
    putLargeCase(place),
    getLargeCase(place),
    verifyCase(place),
    putSmallCase(place, tree),
    getSmallCase(place, tree),
    snapshotCase(place, tree),
    ...archiveCases(place),
  ];
}

const node = process.execPath;
const portkit = join('build', 'portkit', 'portkit.mjs');
/** Short processes: many rounds, because a few milliseconds of noise count. */
function startCase(place: Place): Case {
  const records = join(place.folder, 'records');
  const bare = 'node -e 0';
  return {
    prepare: () => run(ours(place, 'make-records', records)),
    ours: [
      { name: '--version, bundle', command: () => [node, portkit, '--version'], goals: { [bare]: { times: 1.25 } } },
      {
        name: '--version, source, warm compile cache',
        command: () => [join('bin', 'portkit'), '--version'],
        goals: { [bare]: { times: 1.5 } },
      },
      {
        name: 'open, 30 of 10,000 records, cold, bundle',
        command: () => ours(place, 'look-up', records),
        goals: { [bare]: { moreMs: 1.5 } },
      },
    ],
    peers: [{ name: bare, command: () => [node, '-e', '0'] }],
    shortRounds: 21,
  };
}

function putLargeCase(place: Place): Case {
  const { folder, large } = place;
  const file = join(folder, 'large');
  const fresh = freshPaths(folder, 'put-fresh');
  const [fast, usual] = ['openssl dgst -sha256 && cp', 'sha256sum && cp'] as const;
  return {
    prepare: () => makeFile(file, large),
    between: () => settle(folder),
    ours: [
      {
        name: `put ${large} MiB, durable`,
        command: () => ours(place, 'put-file', fresh(), file),
        goals: { [fast]: { times: 1 }, [usual]: { times: 0.35 } },
        limits: { megabytes: 150 },
      },
    ],
    peers: [
      { name: fast, command: () => shell(`openssl dgst -sha256 ${file} && cp ${file} ${fresh()}`) },
      { name: usual, command: () => shell(`sha256sum ${file} && cp ${file} ${fresh()}`) },
    ],
  };
}

function getLargeCase(place: Place): Case {
  const { folder, large } = place;
  const file = join(folder, 'large-to-get');
  const stored = join(folder, 'large-stored');
  const fresh = freshPaths(folder, 'get-fresh');
  return {
    prepare() {
      makeFile(file, large);
      run(ours(place, 'put-file', stored, file));
    },
    between: () => settle(folder),
    ours: [{ name: `get ${large} MiB, verified`, command: () => ours(place, 'get', stored, fresh()) }],
    peers: [
      { name: 'cp', command: () => ['cp', file, fresh()] },
      { name: 'openssl dgst -sha256 && cp', command: () => shell(`openssl dgst -sha256 ${file} && cp ${file} ${fresh()}`) },
    ],
  };
}

/** Eight blobs, so that two threads have something to share. */
function verifyCase(place: Place): Case {
  const { folder, large } = place;
  const root = join(folder, 'verified');
  const parts = Array.from({ length: 8 }, (_, at) => join(folder, `part-${at}`));
  const peer = 'sha256sum';
  const on = (cores: string, times: number): Contender => ({
    name: `cache verify, ${large} MiB, ${cores === '0' ? 'one core' : 'two cores'}`,
    command: () => ['taskset', '-c', cores, node, portkit, 'cache', 'verify', '--root', root],
    goals: { [peer]: { times } },
  });
  return {
    prepare() {
      for (const part of parts) makeFile(part, large / 8);
      run(ours(place, 'put-file', root, ...parts));
    },
    ours: availableParallelism() > 1 ? [on('0', 0.25), on('0,1', 0.125)] : [on('0', 0.25)],
    peers: [{ name: peer, command: () => shell(`sha256sum ${root}/v1/blobs/sha256/*`) }],
  };
}

function putSmallCase(place: Place, tree: string): Case {
  const { folder, small } = place;
  const list = `${tree}.list`;
  const fresh = freshPaths(folder, 'tree-fresh');
  const git = 'git hash-object -w --stdin-paths';
  return {
    prepare: () => makeTree(tree, small),
    between: () => settle(folder),
    ours: [
      {
        name: `put ${small} × 10 KiB, durable`,
        command: () => ours(place, 'put-small', fresh(), list),
        goals: { [git]: { times: 1 } },
        limits: { ms: 1500, megabytes: 150 },
      },
    ],
    peers: [
      {
        name: git,
        command() {
          const at = fresh();
          return shell(`git init -q ${at} && cd ${at} && git config gc.auto 0 && ${git} <${list}`);
        },
      },
      { name: 'sha256sum && cp -r', command: () => shell(`xargs sha256sum <${list} && cp -r ${tree} ${fresh()}`) },
    ],
  };
}

function getSmallCase(place: Place, tree: string): Case {
  const { folder, small } = place;
  const list = `${tree}.list`;
  const stored = join(folder, 'tree-stored');
  const fresh = freshPaths(folder, 'cat-fresh');
  return {
    prepare: () => run(ours(place, 'put-small', stored, list)),
    between: () => settle(folder),
    ours: [{ name: `get ${small} × 10 KiB, verified`, command: () => ours(place, 'get', stored, fresh()) }],
    peers: [
      { name: 'cat', command: () => shell(`xargs cat <${list} >${fresh()}`) },
      { name: 'sha256sum && cat', command: () => shell(`xargs sha256sum <${list} && xargs cat <${list} >${fresh()}`) },
    ],
  };
}

function snapshotCase(place: Place, tree: string): Case {
  const { folder, small } = place;
  const repository = join(folder, 'repository');
  const git = `git --git-dir=${repository} --work-tree=${tree}`;
  const snapshot = (): Command => ours(place, 'snapshot', join(folder, 'taken'), tree, join(folder, 'remembered'));
  return {
    prepare() {
      run(
        shell(
          `git init -q --bare ${repository} && ${git} config gc.auto 0 && ${git} add -A . && ${git} -c user.name=b -c user.email=b@b commit -qm b`,
        ),
      );
      run(snapshot());
      settle(folder);
    },
    ours: [
      {
        name: `snapshot, ${small} files, unchanged`,
        command: snapshot,
        goals: { 'git status': { times: 1 } },
        limits: { megabytes: 150 },
      },
    ],
    peers: [{ name: 'git status', command: () => shell(`${git} status --porcelain`) }],
    shortRounds: 11,
  };
}
