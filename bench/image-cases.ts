import { existsSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { floorOf, ours, portkit, shell } from './place.ts';
import type { Place } from './place.ts';
import { makeEmptyFiles, makeLargeFiles, makeTree } from './material.ts';
import { run } from './measure.ts';
import type { Case, Contender } from './measure.ts';

/** Images of three trees, against mke2fs, which is the usual way to make one without root. */
export function imageCases(place: Place): readonly Case[] {
  const { folder, large, small } = place;
  const tree = (name: string): string => join(folder, `image-${name}`);
  return [
    imageCase(place, {
      name: `${small} × 10 KiB`,
      tree: tree('small'),
      peer: [`${Math.ceil(small / 50)}M`],
      megabytes: 134,
      times: { none: 0.45, hashed: 0.55, two: 0.33 },
      make: (path) => makeTree(path, small),
    }),
    imageCase(place, {
      name: `12 files, ${large} MiB`,
      tree: tree('large'),
      peer: [`${Math.ceil(large * 1.2)}M`],
      megabytes: 134,
      times: { none: 0.2, hashed: 0.41, two: 0.16 },
      make: (path) => makeLargeFiles(path, large),
    }),
    imageCase(place, {
      name: `${5 * small} empty files`,
      tree: tree('empty'),
      peer: ['512M', '-N', `${6 * small}`],
      megabytes: 134,
      times: { none: 0.5 },
      make: (path) => makeEmptyFiles(path, 5 * small),
    }),
    listingCase(place, tree('small')),
  ];
}

/** What is in an image, without mounting it. */
function listingCase(place: Place, tree: string): Case {
  const { folder, small } = place;
  const [image, script] = [join(folder, 'image-listed'), join(folder, 'image-listed.script')];
  return {
    prepare() {
      if (!existsSync(tree)) makeTree(tree, small);
      run(portkit(place, 'image', 'ext4', tree, '-o', image));
      writeFileSync(script, ['', ...readdirSync(tree)].map((name) => `ls -l /${name}\n`).join(''));
    },
    ours: [
      {
        name: `list an ext4 image of ${small} files`,
        command: () => shell(portkit(place, 'image', 'inspect', '--tree', image).join(' ')),
      },
    ],
    peers: [{ name: 'debugfs, ls of every folder', command: () => shell(`debugfs -f ${script} ${image} 2>&1`) }],
  };
}

interface Subject {
  readonly name: string;
  readonly tree: string;
  /** What mke2fs is told, as it does not compute it. */
  readonly peer: readonly string[];
  /** The most memory to use. */
  readonly megabytes?: number;
  /** At most this many times what mke2fs takes: with one thread, when it hashes every file as well, and with a second thread. */
  readonly times: { readonly none: number; readonly hashed?: number; readonly two?: number };
  readonly make: (path: string) => void;
}

/** What the writer is measured with, apart from the command line around it. */
const variants = { none: 'one thread', hashed: 'one thread, every file hashed', two: 'two threads' } as const;

function imageCase(place: Place, { name, tree, peer, megabytes, times, make }: Subject): Case {
  const { folder } = place;
  let made = 0;
  const image = (): string => join(folder, `image-fresh-${(made += 1)}`);
  const mke2fs = 'mke2fs -d';
  const published = (profile: string): readonly string[] =>
    portkit(place, 'image', 'ext4', tree, '-o', image(), '--profile', profile);
  const variant = (how: keyof typeof variants): readonly Contender[] => {
    const goal = times[how];
    if (goal === undefined) return [];
    const command = (): readonly string[] => ours(place, 'make-ext4', tree, image(), how);
    return [{ name: `ext4 of ${name}, ${variants[how]}`, command, goals: { [mke2fs]: { times: goal } } }];
  };
  return {
    prepare: () => make(tree),
    between: () => void run(['sh', '-c', `rm -f ${folder}/image-fresh-* && sync -f ${folder}`]),
    ours: [
      {
        name: `ext4 of ${name}`,
        command: () => published('plain'),
        goals: { [mke2fs]: { times: times.none } },
        ...(megabytes === undefined ? {} : { limits: { megabytes } }),
      },
      ...variant('none'),
      ...variant('hashed'),
      ...variant('two'),
      { name: `ext4 of ${name}, csum`, command: () => published('csum') },
    ],
    peers: [
      { name: mke2fs, command: () => ['mke2fs', '-q', '-F', '-t', 'ext4', '-d', tree, image(), ...peer] },
      floorOf(place, tree, image),
    ],
  };
}
