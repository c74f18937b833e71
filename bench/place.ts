import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { run } from './measure.ts';
import type { Command } from './measure.ts';

/** Where the cases work and how large they are. */
export interface Place {
  /** An empty folder for everything that is made; nothing in it is deleted before the end. */
  readonly folder: string;
  /** Bundled programs, by their names in `programs/`. */
  readonly programs: string;
  /** Megabytes (MiB) of the large file. */
  readonly large: number;
  /** Files in the tree of small ones. */
  readonly small: number;
}

/** A script whose output nobody reads. */
export const shell = (script: string): Command => ['sh', '-c', `exec >/dev/null; ${script}`];

/** A bundled program of ours. */
export function ours({ programs }: Place, name: string, ...args: readonly string[]): Command {
  return [process.execPath, join(programs, `${name}.mjs`), ...args];
}

/** The least that making one file of a tree takes: how far something is above it is its distance to the floor. */
export function floorOf(place: Place, tree: string, out: () => string): { readonly name: string; command(): Command } {
  return { name: 'the floor', command: () => ours(place, 'copy-contents', tree, out()) };
}

/** The command line as it is published; it tells its peak of memory and its processor time at its end. */
export function portkit({ programs }: Place, ...args: readonly string[]): Command {
  const bundle = join(import.meta.dirname, '..', 'build', 'portkit', 'portkit.mjs');
  return [process.execPath, '--import', join(programs, 'peak-at-exit.mjs'), bundle, ...args];
}

/** Paths that were not used before: what is timed never meets what an earlier round left. */
export function freshPaths(folder: string, name: string): () => string {
  let used = 0;
  return () => join(folder, `${name}-${(used += 1)}`);
}

/**
 * Empties the large files that a round made, so that the disk need not hold all of them, and lets the disk catch up. No
 * name is removed: a file system may be slow to create files just after that.
 */
export function settle(folder: string): void {
  const made = `find ${folder} -ignore_readdir_race -path '*-fresh-*' -type f -size +8M`;
  run(shell(`${made} -exec chmod u+w {} + -exec truncate -s 0 {} + && sync -f ${folder}`));
}

/** Whether these programs are on this machine. */
export function installed(...programs: readonly string[]): boolean {
  return programs.every((program) => spawnSync('sh', ['-c', `command -v ${program}`]).status === 0);
}
