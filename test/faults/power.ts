import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { judge } from './judge.ts';
import type { Verdict } from './judge.ts';
import type { Mutant } from './mutants.ts';
import { runTool, startWorker, whyNot } from './process.ts';
import { numbers, skip, tryAll, withFolder } from './row.ts';
import type { Row } from './row.ts';

interface Cut {
  /** Write ext4's journal out before the cut, or lose that too. */
  readonly flush: boolean;
  /** So many things are acknowledged first. */
  readonly after: number;
}

/** The power fails at a random moment on a real ext4; half of the cuts flush the journal, half do not. */
export function powerCuts(cycles: number): Promise<Row> {
  const name = 'power cut (ext4 shutdown)';
  const reason = whyNot(['xfs_io', 'mke2fs', 'losetup'], true);
  if (reason !== undefined) return Promise.resolve(skip(name, reason));
  const cuts = numbers(7, cycles).map((moment, at): Cut => ({ flush: at % 2 === 1, after: 1 + Math.floor(moment * 120) }));
  return tryAll({ name, faults: cuts, run: cutPower, controls: ['no sync', 'early word'], lanes: 1 });
}

function cutPower(cut: Cut, mutant?: Mutant): Promise<Verdict> {
  return onDisk(['-t', 'ext4'], async (mount) => {
    const worker = startWorker({ job: 'work', root: join(mount.path, 'store'), seed: `cut ${cut.after}`, rounds: 1000, mutant });
    await worker.reached(cut.after);
    runTool('xfs_io', '-x', '-c', cut.flush ? 'shutdown -f' : 'shutdown', mount.path);
    // What was acknowledged before the cut counts; the worker meets only errors from here on.
    const lines = worker.lines().filter((line) => !line.startsWith('untyped'));
    worker.kill();
    await worker.ended;
    mount.again();
    return judge(join(mount.path, 'store'), lines);
  });
}

/** A file system in a file, mounted; `again` is what a restart does. */
export interface Mounted {
  readonly path: string;
  readonly image: string;
  again(): void;
}

/** Makes a file system of its own, runs on it, and removes it. */
export function onDisk<T>(mke2fs: readonly string[], run: (mount: Mounted) => Promise<T>): Promise<T> {
  return withFolder(async (folder) => {
    const [image, path] = [join(folder, 'disk'), join(folder, 'mnt')];
    mkdirSync(path);
    runTool('truncate', '-s', '128M', image);
    runTool('mke2fs', '-q', ...mke2fs, image);
    runTool('mount', '-o', 'loop', image, path);
    try {
      return await run({
        path,
        image,
        again() {
          runTool('umount', path);
          // The device must be gone, and with it what it had not written: a mount would take it up again.
          while (runTool('losetup', '-j', image) !== '') runTool('sleep', '0.05');
          runTool('mount', '-o', 'loop', image, path);
        },
      });
    } finally {
      runTool('umount', path);
    }
  });
}
