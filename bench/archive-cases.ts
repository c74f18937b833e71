import { existsSync } from 'node:fs';
import { basename, join } from 'node:path';
import { makeLargeFiles, makeTextTree } from './material.ts';
import type { Case } from './measure.ts';
import { floorOf, freshPaths, installed, portkit, settle, shell } from './place.ts';
import type { Place } from './place.ts';

/** Archives of a tree of text against what people pipe together; none where those programs are missing. */
export function archiveCases(place: Place): readonly Case[] {
  if (!installed('cpio', 'pigz', 'zstd')) return [];
  const { folder, small } = place;
  const tree = join(folder, 'text');
  /** Each case can be asked for alone. */
  function prepare(): void {
    if (!existsSync(tree)) makeTextTree(tree, small);
  }
  const archive = `cd ${tree} && find . | LC_ALL=C sort | cpio -o --quiet -H newc`;
  const out = freshPaths(folder, 'cpio-fresh');
  const peer = (rest: string) => ({
    name: nameOf(rest),
    command: () => shell(`${archive}${rest} >${out()}`),
  });
  const one = (format: 'none' | 'gzip' | 'zstd', name: string, goals: Readonly<Record<string, number>>): Case => ({
    prepare,
    between: () => settle(folder),
    ours: [
      {
        name: `cpio${name}, ${small} × 10 KiB of text`,
        command: () => portkit(place, 'image', 'cpio', tree, '-o', out(), '--compress', format),
        goals: Object.fromEntries(Object.entries(goals).map(([rest, times]) => [nameOf(rest), { times }])),
        limits: { megabytes: 134 },
      },
    ],
    peers: [...Object.keys(goals).map(peer), ...(format === 'none' ? [floorOf(place, tree, out)] : [])],
  });
  return [
    one('none', '', { '': 0.5 }),
    tarCase(place, { name: `${small} × 10 KiB of text`, tree, times: 1.15, prepare }),
    tarCase(place, largeTar(place)),
    one('gzip', ' + gzip -6', { ' | gzip -6': 0.42, ' | pigz -6 -p2': 0.91 }),
    one('zstd', ' + zstd -3', { ' | zstd -3 -T2': 1.43 }),
  ];
}

interface Tarred {
  readonly name: string;
  readonly tree: string;
  /** At most this many times what GNU tar takes. */
  readonly times: number;
  readonly prepare: () => void;
}

function largeTar({ folder, large }: Place): Tarred {
  const tree = join(folder, 'large-files');
  return {
    name: `12 files, ${large} MiB`,
    tree,
    times: 0.6,
    prepare: () => makeLargeFiles(tree, large),
  };
}

function tarCase(place: Place, { name, tree, times, prepare }: Tarred): Case {
  const out = freshPaths(place.folder, `tar-of-${basename(tree)}`);
  const gnu = 'tar --sort=name';
  return {
    prepare,
    between: () => settle(place.folder),
    ours: [
      {
        name: `tar, ${name}`,
        command: () => portkit(place, 'image', 'tar', tree, '-o', out()),
        goals: { [gnu]: { times } },
        limits: { megabytes: 134 },
      },
    ],
    peers: [{ name: gnu, command: () => shell(`${gnu} -cf ${out()} -C ${tree} .`) }, floorOf(place, tree, out)],
  };
}

/** A bar would end the cell of the table. */
function nameOf(rest: string): string {
  return `find, sort, cpio${rest.replace(' |', ',')}`;
}
