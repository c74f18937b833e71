import { availableParallelism } from 'node:os';
import { engineOver, openStoreAt, opsOf, pinsOf } from '../../wiring.ts';
import { reasonText } from '../../progress/reason.ts';
import { newBuildId } from '../build-id.ts';
import type { Command } from '../command.ts';
import { storeOptions, storeRoot } from '../context.ts';
import { boundsOf, definitionOptions, loadDefinition, targetsOf } from '../definition.ts';
import { flag } from '../values.ts';
import { version } from '../version.ts';

/** `portkit plan`: what would run, and why. */
export const plan: Command = {
  usage: 'plan [TARGET…] [--file F] [--json]',
  about: [
    'Says what a build would do, without doing it: which steps would run and why, which may run because of them,',
    'and which are known. Local files are looked at; nothing is fetched or run.',
  ].join('\n'),
  words: Number.POSITIVE_INFINITY,
  options: { ...definitionOptions, ...storeOptions },
  async run(invocation) {
    const { options, words, print, note, signal } = invocation;
    const root = storeRoot(options['root']);
    const definition = await loadDefinition(invocation);
    const { file, directory, graph } = definition;
    const targets = targetsOf(graph, words);
    const pins = await pinsOf(definition, { update: false, locked: false });
    await using store = openStoreAt(root);
    definition.keep();
    await using ops = await opsOf(graph, {
      store,
      directory,
      ...boundsOf(definition, options),
      pins,
      secrets: () => undefined,
      version: version(),
      warn: (message) => note(`warning: ${message}`),
      signal,
    });
    const build = newBuildId(new Date());
    const request = { build, project: file, graph, targets, mode: 'plan' as const, keepGoing: true, opFor: ops.opFor };
    using result = await engineOver(store, availableParallelism()).build({ ...request, signal, emit: () => undefined });
    if (flag(options, 'json')) {
      print(JSON.stringify({ version: 1, steps: result.plan }, null, 2));
      return 0;
    }
    const count = { run: 0, maybe: 0, known: 0, unneeded: 0 };
    for (const { verdict } of result.plan) count[verdict] += 1;
    for (const { step, verdict, reasons } of result.plan) {
      if (verdict === 'run') print(`run    ${step}: ${reasonText(reasons)}`);
      if (verdict === 'maybe') print(`maybe  ${step}: if what it needs comes out otherwise`);
    }
    print(`${count.run} to run, ${count.maybe} that may have to, ${count.known + count.unneeded} known`);
    return 0;
  },
};
