import { writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { alsoBroken } from './judge.ts';
import type { Verdict } from './judge.ts';
import { judgeFailure } from './errors.ts';
import type { Mutant } from './mutants.ts';
import { onDisk } from './power.ts';
import { runTool, runWorker, startWorker, whyNot } from './process.ts';
import { numbers, skip, tryAll, withFolder } from './row.ts';
import type { Row } from './row.ts';

/** The disk fills up at many sizes: a coded failure, nothing half-written, and what is there can be read all the time. */
export function fullDisks(sizes: number): Promise<Row> {
  const faults = Array.from({ length: sizes }, (_, step) => `size=${40 + Math.floor((step * 4000) / sizes)}k`);
  return onSmallDisks('disk full (tmpfs of many sizes)', faults, 'remount,size=64m');
}

/** The disk has room, but for no more files. */
export function fullInodes(counts: number): Promise<Row> {
  const faults = Array.from({ length: counts }, (_, step) => `size=64m,nr_inodes=${4 + Math.floor((step * 80) / counts)}`);
  return onSmallDisks('no inodes left (tmpfs of many sizes)', faults, 'remount,nr_inodes=100000');
}

function onSmallDisks(name: string, faults: readonly string[], grow: string): Promise<Row> {
  const reason = whyNot([], true);
  if (reason !== undefined) return Promise.resolve(skip(name, reason));
  return tryAll({
    name,
    faults,
    run: (limits, mutant) => withFolder((folder) => fill(folder, { limits, grow }, mutant)),
    controls: ['no error codes', 'files left behind', 'early word'],
  });
}

async function fill(mount: string, how: { limits: string; grow: string }, mutant: Mutant | undefined): Promise<Verdict> {
  runTool('mount', '-t', 'tmpfs', '-o', how.limits, 'tmpfs', mount);
  try {
    const root = join(mount, 'store');
    const lines = await runWorker({ job: 'work', root, rounds: 50, mutant });
    const readable = await runWorker({ job: 'read only', root, mutant });
    runTool('mount', '-o', how.grow, mount);
    const verdict = await judgeFailure(root, [...lines, ...readable]);
    return alsoBroken(verdict, { 'the writer failed': !lines.includes('end') });
  } finally {
    runTool('umount', mount);
  }
}

/** ext4 turns itself read-only under a writer, as it does after an error; then the store is read, and written again. */
export function readOnlyDisks(times: number): Promise<Row> {
  const name = 'read-only remount under a writer (ext4)';
  const reason = whyNot(['mke2fs', 'losetup', 'e2fsck'], true);
  if (reason !== undefined) return Promise.resolve(skip(name, reason));
  return tryAll({
    name,
    faults: numbers(13, times).map((moment) => 1 + Math.floor(moment * 120)),
    run: turnReadOnly,
    lanes: 1,
    controls: ['no error codes', 'early word'],
  });
}

function turnReadOnly(after: number, mutant?: Mutant): Promise<Verdict> {
  return onDisk(['-t', 'ext4', '-e', 'remount-ro'], async (mount) => {
    const root = join(mount.path, 'store');
    const worker = startWorker({ job: 'work', root, seed: `${after}`, rounds: 1000, mutant });
    await worker.reached(after);
    const device = basename(runTool('findmnt', '-n', '-o', 'SOURCE', mount.path).trim());
    // Not within a sync: of one that the error meets, Linux 6.18 may say that it was done although its transaction was given
    // up, also to a program of twenty lines (jbd2_complete_transaction finds it neither running nor being committed). Errors
    // of the syncs themselves are the class "an error from each call".
    await worker.between(() => {
      writeFileSync(`/sys/fs/ext4/${device}/trigger_fs_error`, 'as if the disk had failed');
    });
    const status = await worker.ended;
    const readable = await runWorker({ job: 'read only', root, mutant });
    const refused = await runWorker({ job: 'work', root, mutant });
    mount.again();
    const verdict = await judgeFailure(root, [...worker.lines(), ...readable, ...refused], false);
    return alsoBroken(verdict, {
      'the writer failed': status === 1,
      'the next writer is refused': !refused.includes('end'),
      'the store can be read': readable.includes('end'),
    });
  });
}
