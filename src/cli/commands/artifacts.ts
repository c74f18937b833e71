import { showSelector } from '../../artifacts/model/selector.ts';
import { inspect } from '../../artifacts/workflow/inspect.ts';
import type { Inspected } from '../../artifacts/workflow/inspect.ts';
import { pull } from '../../artifacts/workflow/pull.ts';
import { push } from '../../artifacts/workflow/push.ts';
import type { Done, Workplace } from '../../artifacts/workflow/workplace.ts';
import { findArtifact } from '../../artifacts/model/choose.ts';
import type { Chosen } from '../../artifacts/model/paths.ts';
import { showReference } from '../../artifacts/model/reference.ts';
import { workplaceOf } from '../../wiring.ts';
import { buildVariants } from '../artifacts/build.ts';
import { chooseOptions, chooseVariants, readChoice, selectorOptions } from '../artifacts/choose.ts';
import { printOutcomes, showDone, showInspected } from '../artifacts/show.ts';
import type { Outcome } from '../artifacts/show.ts';
import { validateVariants } from '../artifacts/validate.ts';
import type { Command, Invocation } from '../command.ts';
import { storeOptions } from '../context.ts';
import { secretOption } from '../secrets.ts';
import { flag, textOption } from '../values.ts';
import { chooseVerb } from '../verbs.ts';
import { watchOptions } from '../watch.ts';

interface Verb {
  readonly options: readonly string[];
  run(invocation: Invocation): Promise<number>;
}

const selecting = Object.keys(selectorOptions);

const verbs: Readonly<Record<string, Verb>> = {
  build: {
    options: [...selecting, ...Object.keys(watchOptions), 'root', 'jobs', 'secret', 'locked'],
    run: buildVariants,
  },
  validate: { options: [...selecting, 'root', 'secret', 'locked'], run: validateVariants },
  push: { options: selecting, run: (invocation) => move(invocation, { work: push, done: 'pushed' }) },
  pull: { options: selecting, run: (invocation) => move(invocation, { work: pull, done: 'pulled' }) },
  list: { options: [], run: list },
  inspect: { options: selecting, run: inspectVariants },
};

/** `portkit artifacts …`: Port's artifact workflow. */
export const artifacts: Command = {
  usage: 'artifacts build|validate|push|pull|list|inspect [--config FILE] --artifact NAME [SELECTOR…] [OPTION…]',
  about: [
    'build     make a variant with its step, and write it to its path',
    'validate  tell everything that is wrong with a variant: exit 7 when something is',
    'push      publish a variant to its store, and keep a copy in the cache',
    'pull      fetch a variant from its store to its path, and keep a copy in the cache',
    'list      the artifacts of the definition, with their variants',
    'inspect   where a variant is, and whether it is whole there: exit 7 when it is not',
    '',
    'A variant is what the selector says and never another. Paths start where portkit is run when the definition is named,',
    'else beside the definition.',
    '',
    'Exit status: 1 not there, 2 usage, 5 a registry cannot be reached, 6 it wants another login, 7 something is damaged.',
  ].join('\n'),
  words: 1,
  options: {
    ...chooseOptions,
    ...selectorOptions,
    ...watchOptions,
    ...storeOptions,
    jobs: { type: 'string', short: 'j', value: 'N', help: 'build: commands that run at once' },
    secret: secretOption,
    locked: { type: 'boolean', help: 'build, validate: refuse sources that neither the definition nor the lock pins' },
  },
  run: (invocation) =>
    chooseVerb({ command: 'artifacts', common: Object.keys(chooseOptions), verbs }, invocation).run(invocation),
};

interface Move {
  readonly work: (chosen: Chosen, workplace: Workplace) => Promise<Done>;
  readonly done: string;
}

async function move(invocation: Invocation, { work, done }: Move): Promise<number> {
  const { project, chosen } = await chooseVariants(invocation);
  using workplace = await workplaceOf(project, invocation.signal);
  const outcomes: Outcome<Done>[] = [];
  try {
    for (const one of chosen) outcomes.push({ chosen: one, result: await work(one, workplace) });
  } finally {
    // When one fails, those before it are done all the same.
    printOutcomes(invocation, outcomes, (outcome) => showDone(done, outcome));
  }
  return 0;
}

async function inspectVariants(invocation: Invocation): Promise<number> {
  const { project, chosen } = await chooseVariants(invocation);
  using workplace = await workplaceOf(project, invocation.signal);
  const outcomes: Outcome<{ readonly files: readonly Inspected[] }>[] = [];
  for (const one of chosen) outcomes.push({ chosen: one, result: { files: await inspect(one, workplace) } });
  printOutcomes(invocation, outcomes, showInspected);
  const places = outcomes.flatMap(({ result }) => result.files.flatMap(({ store, cache }) => [store?.state, cache.state]));
  return places.includes('damaged') ? 7 : 0;
}

async function list(invocation: Invocation): Promise<number> {
  const { options, print } = invocation;
  const { definition } = await readChoice(invocation);
  const name = textOption(options, 'artifact');
  const listed = name === undefined ? definition.artifacts : [findArtifact(definition.artifacts, name)];
  if (flag(options, 'json')) {
    print(JSON.stringify({ version: 1, verb: 'list', artifacts: listed }, null, 2));
    return 0;
  }
  const lines = listed.flatMap(({ kind, name: called, reference, variants }) => [
    `${kind} artifact '${called}'  ${showReference(reference)}`,
    ...variants.map(({ selector, path }) => `  ${showSelector(selector).padEnd(36)} ${path}`),
  ]);
  print(lines.length === 0 ? 'The definition has no artifacts' : lines.join('\n'));
  return 0;
}
