import { availableParallelism } from 'node:os';
import type { BuildEvent } from '../../progress/event.ts';
import { targetOf } from '../../graph/target.ts';
import { walkTargets } from '../../graph/walk.ts';
import { engineOver, openStepsOf, openStoreAt, opsOf, pinsOf } from '../../wiring.ts';
import { newBuildId } from '../build-id.ts';
import type { Command, Invocation } from '../command.ts';
import { storeOptions, storeRoot } from '../context.ts';
import { boundsOf, definitionOptions, loadDefinition, targetsOf } from '../definition.ts';
import { gatherFailedCodes } from '../failed-codes.ts';
import { flag } from '../values.ts';
import { version } from '../version.ts';
import { faceOf, watchOptions } from '../watch.ts';

/** `portkit update`: what the lock pins becomes what there is today. */
export const update: Command = {
  usage: 'update [TARGET…] [--file F] [OPTION…]',
  about: [
    'Asks the sources that the definition leaves open (downloads, packages and images without a digest) what they give',
    'today, writes it to the lock, and says what moved. Of the targets, only these sources are fetched: nothing is built.',
    '',
    'Exit status: 1 a source no longer has what is asked for, 5 the network is down. What could be moved is in the lock then.',
  ].join('\n'),
  words: Number.POSITIVE_INFINITY,
  options: { ...definitionOptions, ...watchOptions, ...storeOptions },
  run: runUpdate,
};

/** A pin that was renewed. */
interface Moved {
  readonly step: string;
  readonly name: string;
  /** Its name before, when that was another. */
  readonly replaces?: string;
  readonly before?: string;
  readonly after: string;
}

async function runUpdate(invocation: Invocation): Promise<number> {
  const { options, words, signal } = invocation;
  const root = storeRoot(options['root']);
  const definition = await loadDefinition(invocation);
  const { file, directory, graph } = definition;
  const names = targetsOf(graph, words);
  for (const name of names) targetOf(graph, name);
  const needed = walkTargets(graph, names).order.flatMap((at) => graph.vertices[at] ?? []);
  const open = await openStepsOf(needed);
  if (open.length === 0) return report(invocation, [], []);
  const targets = open.map(({ vertex }) => [vertex.name, { vertex: graph.vertices.indexOf(vertex), output: 0 }] as const);
  const asked = { vertices: graph.vertices, targets: Object.fromEntries(targets) };
  const pins = await pinsOf({ file, graph: asked }, { update: true, locked: false });
  const face = faceOf(invocation);
  const failed = gatherFailedCodes();
  const emit = (event: BuildEvent): void => {
    failed.take(event);
    face.take(event);
  };
  await using store = openStoreAt(root);
  definition.keep();
  using faced = new DisposableStack();
  faced.defer(() => face.end());
  const around = {
    store,
    directory,
    ...boundsOf(definition, options),
    pins,
    secrets: () => undefined,
    version: version(),
    warn: (message: string) => face.warn(message),
    signal,
  };
  await using ops = await opsOf(asked, around);
  const request = { build: newBuildId(new Date()), project: file, graph: asked, targets: Object.keys(asked.targets) };
  const how = { mode: 'build', keepGoing: true, opFor: ops.opFor } as const;
  using result = await engineOver(store, availableParallelism()).build({ ...request, ...how, signal, emit });
  pins.save();
  faced.dispose();
  const moved = pins.renewed().map((pin): Moved => {
    const step = open.find((one) => one.covers(pin.name))?.vertex.name ?? '';
    return { step, ...pin };
  });
  report(invocation, moved, result.failures);
  return result.ok ? 0 : failed.exitStatus();
}

function report({ options, print }: Invocation, pins: readonly Moved[], failures: readonly string[]): number {
  if (flag(options, 'json')) print(JSON.stringify({ version: 1, pins, failures }, null, 2));
  else if (pins.length > 0) print(pins.map(shown).join('\n'));
  else if (failures.length === 0) print('The definition leaves nothing open');
  return 0;
}

function shown({ step, name, replaces, before, after }: Moved): string {
  if (before === undefined) return `${step}: ${name}: new: ${after}`;
  if (replaces !== undefined) return `${step}: ${replaces} ${before} → ${name} ${after}`;
  return before === after ? `${step}: ${name}: unchanged: ${after}` : `${step}: ${name}: ${before} → ${after}`;
}
