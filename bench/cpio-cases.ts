import { join } from 'node:path';
import { makeTextTree } from './material.ts';
import type { Case } from './measure.ts';
import { freshPaths, installed, ours, settle, shell } from './place.ts';
import type { Place } from './place.ts';

/** A cpio of a tree of text against what people pipe together; none where those programs are missing. */
export function cpioCases(place: Place): readonly Case[] {
  if (!installed('cpio', 'pigz', 'zstd')) return [];
  const { folder, small } = place;
  const tree = join(folder, 'text');
  const archive = `cd ${tree} && find . | LC_ALL=C sort | cpio -o --quiet -H newc`;
  const out = freshPaths(folder, 'cpio-fresh');
  const peer = (rest: string) => ({
    name: nameOf(rest),
    command: () => shell(`${archive}${rest} >${out()}`),
  });
  const one = (format: 'none' | 'gzip' | 'zstd', name: string, goals: Readonly<Record<string, number>>): Case => ({
    between: () => settle(folder),
    ours: [
      {
        name: `cpio${name}, ${small} × 10 KiB of text`,
        command: () => ours(place, 'cpio', tree, out(), format),
        goals: Object.fromEntries(Object.entries(goals).map(([rest, times]) => [nameOf(rest), { times }])),
        limits: { megabytes: 134 },
      },
    ],
    peers: Object.keys(goals).map(peer),
  });
  return [
    { ...one('none', '', { '': 0.5 }), prepare: () => makeTextTree(tree, small) },
    one('gzip', ' + gzip -6', { ' | gzip -6': 0.42, ' | pigz -6 -p2': 0.91 }),
    one('zstd', ' + zstd -3', { ' | zstd -3 -T2': 1.43 }),
  ];
}

/** A bar would end the cell of the table. */
function nameOf(rest: string): string {
  return `find, sort, cpio${rest.replace(' |', ',')}`;
}
