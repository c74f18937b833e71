import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { sandboxedDefinition, sourcesDefinition, stepsDefinition, stepsForMake } from './engine-material.ts';
import { run } from './measure.ts';
import type { Case, Command } from './measure.ts';

const node = process.execPath;
const portkit = join(import.meta.dirname, '..', 'build', 'portkit', 'portkit.mjs');
const hasNinja = spawnSync('ninja', ['--version']).status === 0;

/** Builds of everything and of nothing, against ninja (where it is installed) and make. */
export function engineCases({ folder, quick }: { readonly folder: string; readonly quick: boolean }): readonly Case[] {
  const root = join(folder, 'engine-store');
  const build = (file: string, store = root): Command => [node, portkit, 'build', '--quiet', '--file', file, '--root', store];
  return [
    ...(quick ? [1, 100] : [1, 100, 1000, 10_000]).map((count) => noopCase({ folder, count, build })),
    sourcesCase(folder, build),
    coldCase({ folder, count: quick ? 50 : 1000, build }),
    sandboxCase({ folder, count: quick ? 5 : 100, build }),
  ];
}

interface Counted {
  readonly folder: string;
  readonly count: number;
  readonly build: (file: string, store?: string) => Command;
}

function noopCase({ folder, count, build }: Counted): Case {
  const file = stepsDefinition(join(folder, `steps-${count}`), count);
  const made = stepsForMake(join(folder, `made-${count}`), count);
  const bare = 'node -e 0';
  return {
    prepare() {
      run(build(file));
      run(build(file));
      run(hasNinja ? ['ninja', '-C', made] : ['make', '-s', '-C', made, 'all']);
    },
    ours: [
      {
        name: `build of nothing, ${count} steps, cold process`,
        command: () => build(file),
        goals: { [bare]: count === 1 ? { times: 1.7 } : { moreMs: { 100: 30, 1000: 40 }[count] ?? 80 } },
      },
    ],
    peers: [
      { name: bare, command: () => [node, '-e', '0'] },
      { name: 'make -q', command: () => ['sh', '-c', `make -q -C ${made} all; :`] },
      ...(hasNinja ? [{ name: 'ninja', command: (): Command => ['ninja', '-C', made] }] : []),
    ],
    shortRounds: 11,
  };
}

/** 30 steps over 5,000 sources: nothing changed, and one file touched with new content. */
function sourcesCase(folder: string, build: Counted['build']): Case {
  const place = join(folder, 'sources');
  const file = sourcesDefinition(place);
  let round = 0;
  return {
    prepare() {
      run(build(file));
      run(['make', '-s', '-C', place, 'all']);
    },
    ours: [
      { name: 'build of nothing, 30 steps, 5,000 sources', command: () => build(file), goals: { 'make -q': { times: 0.4 } } },
      {
        name: 'one source of 5,000 changed',
        command() {
          writeFileSync(join(place, 'src7', 'f3'), `changed ${(round += 1)}\n`);
          return build(file);
        },
      },
    ],
    peers: [{ name: 'make -q', command: () => ['sh', '-c', `make -q -C ${place} all; :`] }],
    shortRounds: 11,
  };
}

function coldCase({ folder, count, build }: Counted): Case {
  const file = stepsDefinition(join(folder, `cold-${count}`), count);
  let stores = 0;
  return {
    ours: [
      {
        name: `build of everything, ${count} steps in the process, durable`,
        command: () => build(file, join(folder, `cold-store-${(stores += 1)}`)),
        goals: hasNinja ? { 'ninja -j2, touch': { times: 0.9 } } : {},
      },
    ],
    peers: hasNinja
      ? [
          {
            name: 'ninja -j2, touch',
            command: () => ['ninja', '-j2', '-C', stepsForMake(join(folder, `cold-made-${stores}`), count)],
          },
        ]
      : [
          {
            name: 'make -j2, touch',
            command: () => ['make', '-s', '-j2', '-C', stepsForMake(join(folder, `cold-made-${stores}`), count)],
          },
        ],
  };
}

function sandboxCase({ folder, count, build }: Counted): Case {
  const file = sandboxedDefinition(join(folder, 'sandboxed'), count);
  let stores = 0;
  const bare = `${count} × /bin/true`;
  return {
    ours: [
      {
        name: `${count} commands in the sandbox`,
        command: () => build(file, join(folder, `sandbox-store-${(stores += 1)}`)),
        goals: { [bare]: { moreMs: count * 15 } },
      },
    ],
    peers: [{ name: bare, command: () => ['sh', '-c', `for i in $(seq ${count}); do /bin/true; done`] }],
  };
}
