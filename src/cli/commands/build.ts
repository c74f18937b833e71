import { availableParallelism } from 'node:os';
import { PortkitError } from '../../base/errors.ts';
import type { BuildResult } from '../../engine/engine.ts';
import type { BuildEvent } from '../../progress/event.ts';
import type { SolveOptions } from '../../solver/run.ts';
import type { Face } from '../../faces/face.ts';
import { engineOver, exportersOf, openStoreAt, opsOf, pinsOf } from '../../wiring.ts';
import { newBuildId } from '../build-id.ts';
import type { Command, Invocation } from '../command.ts';
import { storeOptions, storeRoot } from '../context.ts';
import { boundsOf, definitionOptions, loadDefinition, targetsOf } from '../definition.ts';
import type { Definition } from '../definition.ts';
import { deployAll, requireSecrets, showDeployment, splitTargets } from '../deploy.ts';
import type { DeployReceipt } from '../deploy.ts';
import { gatherFailedCodes } from '../failed-codes.ts';
import { publishAll, writeMetadata } from '../publish.ts';
import type { Published } from '../publish.ts';
import { reportError } from '../report-error.ts';
import { secretOption, secretsOf } from '../secrets.ts';
import { gatherStepRecords } from '../step-records.ts';
import type { StepRecord } from '../step-records.ts';
import { showReceipt, showTargets } from '../show-results.ts';
import { countOption, flag, listOption, textOption } from '../values.ts';
import { faceOf, watchOptions } from '../watch.ts';
import { version } from '../version.ts';

/** `portkit build`: makes the targets of a definition. */
export const build: Command = {
  usage: 'build [TARGET…] [--file F] [--output O]… [OPTION…]',
  about: [
    'Makes targets of a definition (all of them when none is named), running only the steps whose result is not known.',
    'The digests go to standard output, what happens to standard error. A deployment is done only when it is named, after',
    'everything is built and exported.',
    '',
    'Exit status: 1 a step failed, 2 the definition or command line is wrong, 3 --expect-cached was not met,',
    '5 the network is down, 6 a registry wants another login, 7 --check found a difference or content is not what is pinned,',
    '69 a program is missing, or the disk is full.',
  ].join('\n'),
  words: Number.POSITIVE_INFINITY,
  options: {
    ...definitionOptions,
    output: {
      type: 'string',
      short: 'o',
      value: 'O',
      multiple: true,
      help: 'where results go: a folder, type=tar,dest=FILE, type=oci-registry,name=REF, … (docs/exporters.md)',
    },
    ...watchOptions,
    jobs: { type: 'string', short: 'j', value: 'N', help: 'commands that run at once (default: the processors of this machine)' },
    secret: secretOption,
    'no-cache': { type: 'boolean', help: 'run every step that is not pinned by a digest' },
    'keep-going': { type: 'boolean', short: 'k', help: 'after a failure, go on with what does not need the failed step' },
    'expect-cached': { type: 'boolean', help: 'run nothing: exit 3 when something would have to run' },
    check: { type: 'boolean', help: 'run known steps again and compare: exit 7 when one gives other bytes' },
    update: { type: 'boolean', help: 'ask what unpinned sources are today, and write it to the lock' },
    locked: { type: 'boolean', help: 'refuse sources that neither the definition nor the lock pins' },
    'metadata-file': { type: 'string', value: 'F', help: 'write the results to a file as JSON' },
    ...storeOptions,
  },
  run: runBuild,
};

async function runBuild(invocation: Invocation): Promise<number> {
  const { options, words, signal } = invocation;
  const mode = modeOf(options);
  const jobs = countOption(options, 'jobs') ?? availableParallelism();
  const root = storeRoot(options['root']);
  const secrets = secretsOf(options);
  const definition = await loadDefinition(invocation);
  const { file, directory } = definition;
  const split = splitTargets(definition.graph, targetsOf(definition.graph, words), words.length > 0);
  const { graph, targets, deployments } = split;
  const deploys = mode === 'build' || mode === 'fresh';
  if (deploys) requireSecrets(split, secrets);
  const warn = (message: string): void => face.warn(message);
  using ways = await exportersOf(listOption(options, 'output'), targets, { warn });
  const pins = await pinsOf(definition, { update: flag(options, 'update'), locked: flag(options, 'locked') });
  const face = faceOf(invocation);
  const failed = gatherFailedCodes();
  const records = gatherStepRecords();
  const emit = (event: BuildEvent): void => {
    failed.take(event);
    records.take(event);
    // A plan runs nothing: there is nothing to watch.
    if (mode !== 'plan') face.take(event);
  };
  await using store = openStoreAt(root);
  definition.keep();
  const id = newBuildId(new Date());
  // However the build ends, the face is done before results and errors are printed.
  using faced = new DisposableStack();
  faced.defer(() => face.end());
  await using ops = await opsOf(graph, {
    store,
    directory,
    ...boundsOf(definition, options),
    pins,
    secrets,
    version: version(),
    deploys: true,
    warn,
    signal,
  });
  const engine = engineOver(store, jobs);
  const request = { project: file, graph, keepGoing: flag(options, 'keep-going'), opFor: ops.opFor, signal };
  using result = await engine.build({ ...request, build: id, targets, mode, emit });
  pins.save();
  if (mode === 'plan') requireKnown(result);
  let published: Published = { receipts: [] };
  if (result.ok && ways.exporters.length > 0) {
    result.hold();
    const made = Object.entries(result.targets).map(([name, ref]) => ({ name, ref }));
    published = await publishAll(ways.exporters, made, { blobs: store.blobs, signal });
  }
  faced.dispose();
  if (published.failure !== undefined) {
    const told = report(invocation, { id, definition, result, published, deployed: [], steps: records.list() });
    await told.catch((error: unknown) => reportError(error, { write: invocation.note, debug: false }));
    throw published.failure.error;
  }
  const wanted = result.ok && deploys ? deployments : [];
  if (result.ok && wanted.length < deployments.length) invocation.note('Nothing is deployed by a build that only checks');
  const watch = (): Face => {
    const own = faceOf(invocation);
    const take = (event: BuildEvent): void => {
      failed.take(event);
      records.take(event);
      own.take(event);
    };
    return { take, end: () => own.end() };
  };
  const deployed = await deployAll(wanted, { engine, request, made: result.targets, watch });
  await report(invocation, { id, definition, result, published, deployed, steps: records.list() });
  if (result.differences.length > 0) return 7;
  return result.ok && deployed.every(({ ok }) => ok) ? 0 : failed.exitStatus();
}

function modeOf(options: Invocation['options']): SolveOptions['mode'] {
  const asked = (['no-cache', 'expect-cached', 'check'] as const).filter((name) => flag(options, name));
  if (asked.length > 1) {
    throw new PortkitError('PK1004', `--${asked.join(' and --')} do not go together`, { hint: 'Choose one' });
  }
  const modes = { 'no-cache': 'fresh', 'expect-cached': 'plan', check: 'check' } as const;
  return asked[0] === undefined ? 'build' : modes[asked[0]];
}

/** For `--expect-cached`: the plan may hold nothing that runs. */
function requireKnown(result: BuildResult): void {
  const running = result.plan.filter(({ verdict }) => verdict === 'run').map(({ step }) => step);
  if (running.length === 0) return;
  const named = running.slice(0, 5).join(', ');
  throw new PortkitError('PK3003', `${running.length} steps would have to run: ${named}${running.length > 5 ? ', …' : ''}`, {
    hint: 'Run "portkit plan" to see why',
  });
}

interface Report {
  readonly id: string;
  readonly definition: Definition;
  readonly result: BuildResult;
  readonly published: Published;
  readonly deployed: readonly DeployReceipt[];
  readonly steps: readonly StepRecord[];
}

async function report(
  { options, print, note }: Invocation,
  { id, definition, result, published, deployed, steps }: Report,
): Promise<void> {
  const { targets, failures, differences } = result;
  const { receipts, failure } = published;
  const ok = result.ok && failure === undefined && deployed.every((one) => one.ok);
  const { file, graph } = definition;
  const made = Object.entries(graph.targets).map(([name, { vertex }]) => [name, graph.vertices[vertex]?.name]);
  const wanted = Object.fromEntries(made);
  const exported = { exports: receipts, ...(failure && { failedExport: failure.told }) };
  const results = { ok, targets, failures, differences, ...exported, deployments: deployed };
  const data = { version: 1, build: id, definition: file, ...results, wanted, steps };
  const text = JSON.stringify(data, null, 2);
  const metadata = textOption(options, 'metadata-file');
  if (metadata !== undefined) await writeMetadata(metadata, `${text}\n`);
  for (const { step, paths } of differences) note(`${step} gave other bytes:\n${paths.map((path) => `  ${path}`).join('\n')}`);
  // Standard output that carries a tar carries nothing else.
  const show = receipts.some(({ destination }) => destination === '-') ? note : print;
  if (flag(options, 'json')) show(text);
  else if (failure === undefined && Object.keys(targets).length > 0) show(showTargets(targets, flag(options, 'quiet')));
  if (!flag(options, 'quiet')) for (const receipt of receipts) note(showReceipt(receipt));
  if (!flag(options, 'quiet')) for (const receipt of deployed) note(showDeployment(receipt));
}
