import { suggest } from '../../base/suggest.ts';
import { PortkitError } from '../../base/errors.ts';
import { engineOver, openStoreAt } from '../../wiring.ts';
import type { PastBuild, PastStep } from '../../engine/history.ts';
import { compareRuns } from '../../engine/compare.ts';
import type { Reason } from '../../progress/event.ts';
import { reasonLines } from '../../progress/reason-lines.ts';
import { reasonText } from '../../progress/reason.ts';
import type { Command } from '../command.ts';
import { storeOptions, storeRoot } from '../context.ts';
import { definitionOptions, findDefinitionFile } from '../definition.ts';
import { flag, textOption } from '../values.ts';

/** `portkit why`: why did that run? */
export const why: Command = {
  usage: 'why [STEP] [--against BUILD] [--file F] [--json]',
  about: [
    'Says why steps ran in the last build of a definition; of one step, also what it was compared with.',
    '--against compares with the last run of the step in or before another build: "why --json" lists their names.',
  ].join('\n'),
  words: 1,
  options: {
    ...definitionOptions,
    against: { type: 'string', value: 'BUILD', help: 'compare the step with an earlier build' },
    ...storeOptions,
  },
  async run({ options, words, print, signal }) {
    const project = findDefinitionFile(options);
    const [step] = words;
    const against = textOption(options, 'against');
    if (against !== undefined && step === undefined) throw new PortkitError('PK1001', '--against needs the name of a step');
    await using store = openStoreAt(storeRoot(options['root']));
    const builds = engineOver(store, 1).history.of(project);
    const [last] = builds;
    if (last === undefined) throw new PortkitError('PK3004', `Nothing was built of ${project} yet`);
    if (step === undefined) {
      print(flag(options, 'json') ? JSON.stringify({ version: 1, builds }, null, 2) : showBuild(last));
      return 0;
    }
    const found = runOf(builds, step);
    if (found === undefined) throw unknownStep(step, builds);
    const { build, ran } = found;
    const reasons = against === undefined ? ran.reasons : await compareWith(against);
    if (flag(options, 'json')) print(JSON.stringify({ version: 1, step, build: build.build, reasons, took: ran.took }, null, 2));
    else print(showStep(found, reasons, build === last));
    return 0;

    async function compareWith(name: string): Promise<readonly Reason[]> {
      const at = builds.findIndex(({ build: other }) => other === name);
      if (at < 0)
        throw new PortkitError('PK3004', `There is no build ${name} of ${project}`, { hint: 'Run "portkit why --json"' });
      const before = runOf(builds.slice(at), step ?? '');
      return compareRuns(found?.ran, before?.ran, { store, signal });
    }
  },
};

/** The last run of a step in builds, the last first. */
function runOf(builds: readonly PastBuild[], step: string): { readonly build: PastBuild; readonly ran: PastStep } | undefined {
  for (const build of builds) {
    const ran = build.ran.find((one) => one.step === step);
    if (ran !== undefined) return { build, ran };
  }
  return undefined;
}

function unknownStep(step: string, builds: readonly PastBuild[]): PortkitError {
  const names = new Set(builds.flatMap(({ ran }) => ran.map((one) => one.step)));
  const near = suggest(step, [...names]);
  return new PortkitError('PK3004', `No run of a step ${JSON.stringify(step)} is remembered`, {
    hint: near === undefined ? 'Run "portkit why" for what ran last' : `Did you mean ${JSON.stringify(near)}?`,
  });
}

function showBuild({ build, ok, steps, ran, took }: PastBuild): string {
  const head = `${build}: ${ok ? 'done' : 'failed'} in ${(took / 1000).toFixed(1)} s; ${ran.length} of ${steps} steps ran`;
  return [head, ...ran.map((one) => `  ${one.ok ? '' : 'failed '}${one.step}: ${reasonText(one.reasons)}`)].join('\n');
}

function showStep(
  { build, ran }: { readonly build: PastBuild; readonly ran: PastStep },
  reasons: readonly Reason[],
  isLast: boolean,
): string {
  const when = isLast ? 'the last build' : 'a later build did not need it';
  const head = `${ran.step} ran in ${build.build} (${when}), ${(ran.took / 1000).toFixed(1)} s, because:`;
  const log = ran.log === undefined ? [] : [`  log: ${ran.log}`];
  return [head, ...(reasons.length === 0 ? ['  nothing differs'] : reasonLines(reasons).map((line) => `  ${line}`)), ...log].join(
    '\n',
  );
}
