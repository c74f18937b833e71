import { digestOf } from '../base/digest.ts';
import type { Digest } from '../base/digest.ts';
import { holdsCredentials } from '../base/redact.ts';
import { PortkitError } from '../base/errors.ts';
import type { Ref } from '../base/ref.ts';
import type { Reason } from '../progress/event.ts';
import type { Finished, Grounds } from './ports.ts';
import { reasonsFor } from './reasons.ts';
import { contextOf, isIn, nameOf } from './run.ts';
import type { Run, WorkEnd } from './run.ts';
import type { Follower } from './shared-work.ts';
import { change } from './states.ts';
import { failureOf } from './table.ts';
import { inputsOf, post } from './wants.ts';

/** Has vertices whose inputs are here work as soon as there is room, the most urgent first. */
export function launchAll(run: Run, vertices: readonly number[]): void {
  for (const vertex of vertices.toSorted((a, b) => rankOf(run, b) - rankOf(run, a))) launch(run, vertex);
}

function launch(run: Run, vertex: number): void {
  const key = run.contents[vertex];
  const op = run.ops[vertex];
  if (key === undefined || op === undefined) throw new Error('A step was launched before it was asked');
  change(run.states, vertex, 'queued');
  const step = nameOf(run, vertex);
  run.options.emit({ type: 'step.queued', step });
  let reasons = reasonsOf(run, vertex);
  const controller = new AbortController();
  const described = run.options.describe(reasons, controller.signal).then(
    (told) => void (reasons = told),
    // What cannot be looked into is told without.
    () => undefined,
  );
  run.active.set(vertex, controller);
  const { output, transfer, retry } = contextOf(run.options, step, controller.signal);
  const follower: Follower = {
    started() {
      if (!isIn(run, vertex, 'queued')) return;
      change(run.states, vertex, 'running');
      run.options.emit({ type: 'step.started', step, reasons });
    },
    output,
    transfer,
    retry,
  };
  const forced = isForced(run, vertex);
  // Work that must really be done is not shared with work that may be found done.
  const name = forced ? `again ${key}` : key;
  const work = (all: Follower, signal: AbortSignal): Promise<WorkEnd> =>
    workOn(run, vertex, { key, forced, described, all, signal });
  run.shared.run(name, follower, { signal: controller.signal, work }).then(
    (end) => post(run, { vertex, end }),
    (error: unknown) => post(run, { vertex, end: { how: 'thrown', error } }),
  );
}

function isForced(run: Run, vertex: number): boolean {
  return run.again.has(vertex) || run.options.mode !== 'build';
}

interface Task {
  readonly key: Digest;
  readonly forced: boolean;
  readonly described: Promise<void>;
  readonly all: Follower;
  readonly signal: AbortSignal;
}

async function workOn(run: Run, vertex: number, { key, forced, described, all, signal }: Task): Promise<WorkEnd> {
  const op = run.ops[vertex];
  if (op === undefined) throw new Error('A step without an op cannot work');
  const { turns, pools, results, now } = run.parts;
  const inputs = inputsOf(run, vertex);
  // Only what takes long is worth a turn: quick work done twice gives the same bytes.
  using turn = op.pool === 'cpu' || op.pool === 'network' ? await turns.take(key, signal) : undefined;
  // Whoever had the turn before may have made it, also just before we came.
  if (turn !== undefined && !forced) {
    const found = results.lookup([key])[0];
    if (found !== undefined) return { how: 'found', outputs: found };
  }
  await described;
  // Awaited here: the turn is given back when this function ends.
  return await pools.run(op.pool, rankOf(run, vertex), async () => {
    signal.throwIfAborted();
    all.started();
    const start = now();
    try {
      const outcome = await op.run(inputs, { signal, output: all.output, transfer: all.transfer, retry: all.retry });
      if (!outcome.ok) return { how: 'failed', failure: outcome.failure };
      const made = { outputs: outcome.outputs, took: now() - start };
      if (turn === undefined || !isRemembered(run, vertex)) return { how: 'made', ...made };
      // Whoever has the turn next has to find it: it is saved before the turn is given back.
      results.save([finishedOf(run, vertex, made)]);
      return { how: 'made', ...made, savedBy: run };
    } catch (error) {
      signal.throwIfAborted();
      if (error instanceof PortkitError && isStepsOwn(error)) return { how: 'failed', failure: failureOf(error) };
      throw error;
    }
  });
}

/** Trouble of the store or the machine is not the step's: the build ends, or heals what is damaged. */
function isStepsOwn({ code }: PortkitError): boolean {
  return !code.startsWith('PK20') && !code.startsWith('PK7') && !code.startsWith('PK9');
}

/** Whether what a vertex makes is a result of its own: known sources are found by their content, and a check changes nothing. */
export function isRemembered(run: Run, vertex: number): boolean {
  return run.facts[vertex]?.outputs === undefined && !run.expected.has(vertex);
}

/** What there is to remember of a vertex: `took` says that it ran here and now. */
export function finishedOf(
  run: Run,
  vertex: number,
  { outputs, took }: { readonly outputs: readonly Ref[]; readonly took?: number },
): Finished {
  const keys = [...new Set([run.contents[vertex], run.definitions[vertex]])].filter((key) => key !== undefined);
  if (took === undefined) return { keys, outputs };
  return { keys, outputs, ran: { step: nameOf(run, vertex), grounds: { ...groundsOf(run, vertex), took } } };
}

/** What a vertex rests on in this build. */
function groundsOf(run: Run, vertex: number): Omit<Grounds, 'took'> {
  const refs = inputsOf(run, vertex);
  const names = (run.graph.vertices[vertex]?.inputs ?? []).map((input) => nameOf(run, input.vertex));
  return {
    code: run.ops[vertex]?.code ?? '',
    facts: shortened(run.facts[vertex]?.facts ?? {}),
    inputs: refs.map((ref, index) => ({ name: names[index] ?? '', ref })),
  };
}

/** Longer facts, and those with credentials, are kept as their digests: that they differ is told, not how. */
const longestFact = 200;

function shortened(facts: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(facts).map(([name, value]) => [
      name,
      value.length > longestFact || holdsCredentials(name, value) ? digestOf(value) : value,
    ]),
  );
}

/** Why a vertex runs, or would run. */
export function reasonsOf(run: Run, vertex: number): readonly Reason[] {
  const made = new Set(
    (run.sources[vertex] ?? []).filter((source) => isIn(run, source, 'done')).map((source) => nameOf(run, source)),
  );
  return reasonsFor(groundsOf(run, vertex), lastOf(run, vertex), {
    forced: run.options.mode === 'fresh' || run.expected.has(vertex),
    wasMade: (input) => made.has(input),
  });
}

function lastOf(run: Run, vertex: number): Grounds | undefined {
  if (!run.last.has(vertex)) run.last.set(vertex, run.parts.results.lastRuns([nameOf(run, vertex)])[0]);
  return run.last.get(vertex);
}

/** How urgent a vertex is: the time that is still needed from it to the farthest target, by what the steps took last time. */
function rankOf(run: Run, vertex: number): number {
  if (run.ranks === undefined) {
    const ranks = new Float64Array(run.graph.vertices.length);
    const working = run.order.filter((one) => !isIn(run, one, 'idle', 'known'));
    const runs = run.parts.results.lastRuns(working.map((one) => nameOf(run, one)));
    for (const [index, one] of working.entries()) run.last.set(one, runs[index]);
    for (const one of run.order.toReversed()) {
      const after = (run.users[one] ?? []).reduce((most, user) => Math.max(most, ranks[user] ?? 0), 0);
      // Every step counts for something, so that of equals the one with more behind it goes first.
      ranks[one] = after + 1 + (run.last.get(one)?.took ?? 0);
    }
    run.ranks = ranks;
  }
  return run.ranks[vertex] ?? 0;
}
