import { PortkitError } from '../base/errors.ts';
import { never } from '../base/exhaustive.ts';
import { isIn, nameOf, notHere, sameRefs, settleDone, settleKnown } from './run.ts';
import type { Run, WorkEnd } from './run.ts';
import { change } from './states.ts';
import { askAll, bring, compareAll, demand, fail, gatherAll, lookupCompared, makeAgain } from './wants.ts';
import { finishedOf, isRemembered, launchAll } from './works.ts';

/** Records that wait to be saved together, and how long (milliseconds): each save is a sync of the disk. */
const savedTogether = 256;
const longestUnsaved = 200;

/** Runs a build to its end: until nothing is under way and nothing can be started. */
export async function runToEnd(run: Run): Promise<void> {
  try {
    for (const target of run.targets) demand(run, target);
    await pump(run);
    // What was asked for by name is taken away: its bytes have to be here, not only its name.
    for (let before = -1; run.options.mode !== 'plan' && before !== run.again.size; await pump(run)) {
      before = run.again.size;
      if (!run.stopping) bring(run, run.targets, (refs) => run.parts.presence.look(refs));
    }
  } finally {
    abortAll(run, run.fatal?.error);
    save(run);
  }
  if (run.fatal !== undefined) throw run.fatal.error;
  run.options.signal.throwIfAborted();
}

async function pump(run: Run): Promise<void> {
  for (;;) {
    for (const message of run.messages.splice(0)) {
      if ('end' in message) takeEnd(run, message.vertex, message.end);
      else if (isIn(run, message.vertex, 'comparing')) {
        run.contents[message.vertex] = message.compared;
        run.compared.push(message.vertex);
      }
    }
    advance(run);
    if (run.unsaved.length >= savedTogether || run.parts.now() - run.savedAt > longestUnsaved) save(run);
    if (run.active.size === 0) return;
    await new Promise<void>((resolve) => {
      run.wake = resolve;
    });
  }
}

/** Everything that can be done without waiting, each kind of question for all vertices in one go. */
function advance(run: Run): void {
  const isOver = (): boolean => run.options.signal.aborted || run.fatal !== undefined;
  const ready = new Set<number>();
  while (!isOver() && (run.ask.length > 0 || run.compare.length > 0 || run.compared.length > 0 || run.gather.length > 0)) {
    askAll(run);
    compareAll(run);
    lookupCompared(run);
    for (const vertex of gatherAll(run)) ready.add(vertex);
  }
  if (!isOver() && !run.stopping) launchAll(run, [...ready]);
}

function takeEnd(run: Run, vertex: number, end: WorkEnd): void {
  // A work that another build began may end before this one heard of it.
  if (!isIn(run, vertex, 'queued', 'running')) return;
  switch (end.how) {
    case 'failed':
      return fail(run, vertex, end.failure);
    case 'found':
      settleKnown(run, vertex, end.outputs);
      run.options.emit({ type: 'step.cached', step: nameOf(run, vertex), by: 'content' });
      run.unsaved.push(finishedOf(run, vertex, { outputs: end.outputs }));
      return undefined;
    case 'made':
      return takeMade(run, vertex, end);
    case 'thrown':
      return takeThrown(run, vertex, end.error);
    default:
      return never(end);
  }
}

function takeMade(run: Run, vertex: number, { outputs, took, savedBy }: Extract<WorkEnd, { how: 'made' }>): void {
  const promised = run.facts[vertex]?.outputs;
  if (promised !== undefined && !sameRefs(promised, outputs)) {
    return fail(run, vertex, { code: 'PK3001', message: 'The source changed while it was built from', hint: 'Build again' });
  }
  const expected = run.expected.get(vertex);
  if (expected === undefined || sameRefs(expected, outputs)) settleDone(run, vertex, outputs);
  else {
    run.differences.push({ vertex, expected, actual: outputs });
    // What comes after is compared with what it was made from, so that one difference is not found everywhere.
    const recorded = run.parts.presence.hold(expected).every(Boolean);
    settleDone(run, vertex, recorded ? expected : outputs);
  }
  run.options.emit({ type: 'step.finished', step: nameOf(run, vertex) });
  if (savedBy !== run && isRemembered(run, vertex)) run.unsaved.push(finishedOf(run, vertex, { outputs, took }));
}

function takeThrown(run: Run, vertex: number, error: unknown): void {
  if (run.options.signal.aborted || run.stopping || run.fatal !== undefined) return cancel(run, vertex);
  const damaged = error instanceof PortkitError && (error.code === 'PK2001' || error.code === 'PK2002');
  const suspects = (run.sources[vertex] ?? []).filter((source) => isIn(run, source, 'known'));
  if (!damaged || run.healed.has(vertex) || suspects.length === 0) {
    run.fatal = { error };
    abortAll(run, error);
    return cancel(run, vertex);
  }
  // Bytes behind a record are gone or damaged: no failure of the step, its inputs are made anew and it is tried once more.
  run.healed.add(vertex);
  for (const source of suspects) {
    notHere(run, source);
    makeAgain(run, source);
  }
  change(run.states, vertex, 'gathering');
  run.missing[vertex] = (run.sources[vertex] ?? []).filter((source) => run.here[source] === 0).length;
  if (run.missing[vertex] === 0) run.gather.push(vertex);
}

function cancel(run: Run, vertex: number): void {
  change(run.states, vertex, 'cancelled');
  run.options.emit({ type: 'step.cancelled', step: nameOf(run, vertex) });
}

/** Cancels everything that is under way. */
export function abortAll(run: Run, reason: unknown): void {
  for (const controller of run.active.values()) controller.abort(reason);
}

function save(run: Run): void {
  const finished = run.unsaved;
  run.unsaved = [];
  run.savedAt = run.parts.now();
  if (finished.length > 0) run.parts.results.save(finished);
}
