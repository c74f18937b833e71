import type { Ref } from '../base/ref.ts';
import { keyOf } from './keys.ts';
import type { Failure } from './op.ts';
import { isIn, nameOf, nowHere, settleKnown } from './run.ts';
import type { Run } from './run.ts';
import { change } from './states.ts';

/** Wants the outputs of a vertex to be named. */
export function demand(run: Run, vertex: number): void {
  if (!isIn(run, vertex, 'idle')) return;
  const refusal = run.refusals.get(vertex);
  if (refusal !== undefined) return fail(run, vertex, refusal);
  const known = run.facts[vertex]?.outputs;
  if (known !== undefined) {
    settleKnown(run, vertex, known);
    return;
  }
  if (run.definitions[vertex] === undefined || (run.options.mode === 'fresh' && run.facts[vertex] !== undefined)) {
    begin(run, vertex);
    return;
  }
  change(run.states, vertex, 'asked');
  run.ask.push(vertex);
}

/** A vertex whose record is not there (or does not count) needs its inputs named. */
function begin(run: Run, vertex: number): void {
  change(run.states, vertex, 'waiting');
  const sources = run.sources[vertex] ?? [];
  const unnamed = sources.filter((source) => run.outputs[source] === undefined);
  run.missing[vertex] = unnamed.length;
  if (unnamed.length === 0) run.compare.push(vertex);
  for (const source of unnamed) {
    demand(run, source);
    if (isIn(run, source, 'failed', 'blocked', 'cancelled')) return block(run, vertex);
  }
}

/** Asks for the records of all vertices that were wanted since, in one go. */
export function askAll(run: Run): void {
  const vertices = run.ask.splice(0);
  if (vertices.length === 0) return;
  const found = run.parts.results.lookup(vertices.flatMap((vertex) => run.definitions[vertex] ?? []));
  for (const [index, vertex] of vertices.entries()) {
    const outputs = found[index];
    if (outputs === undefined) begin(run, vertex);
    else if (run.options.mode === 'check') {
      run.expected.set(vertex, outputs);
      begin(run, vertex);
    } else {
      settleKnown(run, vertex, outputs);
      run.options.emit({ type: 'step.cached', step: nameOf(run, vertex), by: 'definition' });
    }
  }
}

/** All inputs of these vertices are named: the content keys can be made, at once or after looking into the inputs. */
export function compareAll(run: Run): void {
  for (const vertex of run.compare.splice(0)) {
    change(run.states, vertex, 'comparing');
    run.stale.delete(vertex);
    const inputs = inputsOf(run, vertex);
    const narrow = run.ops[vertex]?.narrow?.bind(run.ops[vertex]);
    if (narrow === undefined) {
      run.contents[vertex] = contentKey(run, vertex, inputs);
      run.compared.push(vertex);
      continue;
    }
    const controller = new AbortController();
    run.active.set(vertex, controller);
    narrow(inputs, controller.signal).then(
      (narrowed) => post(run, { vertex, compared: contentKey(run, vertex, narrowed) }),
      // Inputs that cannot be looked into are gone or damaged: the whole of them is the key, and gathering makes them anew.
      () => post(run, { vertex, compared: contentKey(run, vertex, inputs) }),
    );
  }
}

function contentKey(run: Run, vertex: number, inputs: readonly Ref[]) {
  return keyOf(run.ops[vertex]?.code ?? '', run.facts[vertex]?.facts ?? {}, inputs);
}

/** Takes in what happened outside of the loop, and wakes it. */
export function post(run: Run, message: Run['messages'][number]): void {
  run.active.delete(message.vertex);
  run.messages.push(message);
  run.wake();
}

/** Asks for records by content key: inputs that came out as they were end the search here. */
export function lookupCompared(run: Run): void {
  const vertices = run.compared.splice(0);
  const asking = vertices.filter((vertex) => mayFind(run, vertex));
  const keys = asking.flatMap((vertex) => run.contents[vertex] ?? []);
  const found = keys.length === 0 ? [] : run.parts.results.lookup(keys);
  const byVertex = new Map(asking.map((vertex, index) => [vertex, found[index]]));
  for (const vertex of vertices) {
    const outputs = byVertex.get(vertex);
    const definition = run.definitions[vertex];
    if (outputs === undefined) {
      change(run.states, vertex, run.options.mode === 'plan' ? 'planned' : 'gathering');
      if (run.options.mode !== 'plan') startGathering(run, vertex);
    } else {
      settleKnown(run, vertex, outputs);
      if (definition !== undefined) run.unsaved.push({ keys: [definition], outputs });
      run.options.emit({ type: 'step.cached', step: nameOf(run, vertex), by: 'content' });
    }
  }
}

function mayFind(run: Run, vertex: number): boolean {
  if (run.again.has(vertex) || run.options.mode === 'fresh' || run.options.mode === 'check') return false;
  return run.contents[vertex] !== run.definitions[vertex];
}

/** The results a vertex works on. */
export function inputsOf(run: Run, vertex: number): readonly Ref[] {
  return (run.graph.vertices[vertex]?.inputs ?? []).map((input) => {
    const ref = run.outputs[input.vertex]?.[input.output];
    if (ref !== undefined) return ref;
    throw new Error(`${nameOf(run, input.vertex)} has no output ${input.output}`);
  });
}

function startGathering(run: Run, vertex: number): void {
  run.missing[vertex] = (run.sources[vertex] ?? []).filter((source) => run.here[source] === 0).length;
  run.gather.push(vertex);
}

/** Makes sure that the bytes of the inputs are here; answers the vertices that are ready to work. */
export function gatherAll(run: Run): readonly number[] {
  const vertices = run.gather.splice(0).filter((vertex) => isIn(run, vertex, 'gathering'));
  const wanted = new Set(vertices.flatMap((vertex) => (run.sources[vertex] ?? []).filter((source) => run.here[source] === 0)));
  bring(run, [...wanted], (refs) => run.parts.presence.hold(refs));
  const ready: number[] = [];
  for (const vertex of vertices) {
    if (!isIn(run, vertex, 'gathering') || (run.missing[vertex] ?? 0) > 0) continue;
    if (run.stale.has(vertex)) run.compare.push(vertex);
    else ready.push(vertex);
  }
  return ready;
}

/** Looks whether the bytes of known vertices are here, and has them made again where they are not. */
export function bring(run: Run, vertices: readonly number[], look: (refs: readonly Ref[]) => readonly boolean[]): void {
  const known = vertices.filter((vertex) => isIn(run, vertex, 'known'));
  const refs = known.flatMap((vertex) => run.outputs[vertex] ?? []);
  const present = refs.length === 0 ? [] : look(refs);
  let at = 0;
  for (const vertex of known) {
    const count = run.outputs[vertex]?.length ?? 0;
    const all = present.slice(at, at + count).every(Boolean);
    at += count;
    if (all) nowHere(run, vertex);
    else makeAgain(run, vertex);
  }
}

/** Has a vertex run although its outputs are named. */
export function makeAgain(run: Run, vertex: number): void {
  run.again.add(vertex);
  begin(run, vertex);
}

/** A vertex has failed: what needs it cannot be made. */
export function fail(run: Run, vertex: number, failure: Failure): void {
  change(run.states, vertex, 'failed');
  run.failures.set(vertex, failure);
  run.options.emit({ type: 'step.failed', step: nameOf(run, vertex), ...failure });
  for (const user of run.users[vertex] ?? []) block(run, user);
  if (!run.options.keepGoing) stop(run);
}

/** Starts nothing any more; what runs may end, and its result is kept. */
function stop(run: Run): void {
  run.stopping = true;
  for (const [vertex, controller] of run.active)
    if (isIn(run, vertex, 'queued', 'comparing')) controller.abort(new Error('stopped'));
}

function block(run: Run, first: number): void {
  const waiting = [first];
  for (let vertex = waiting.pop(); vertex !== undefined; vertex = waiting.pop()) {
    if (!isIn(run, vertex, 'waiting', 'comparing', 'gathering')) continue;
    change(run.states, vertex, 'blocked');
    run.options.emit({ type: 'step.cancelled', step: nameOf(run, vertex) });
    waiting.push(...(run.users[vertex] ?? []));
  }
}
