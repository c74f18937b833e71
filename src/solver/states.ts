/**
 * Where a vertex stands in one build. `known` means that its outputs are named, `done` that it ran here and now.
 * `maybe` is for plans: it depends on something that would run.
 */
export type State =
  | 'idle'
  | 'asked'
  | 'waiting'
  | 'comparing'
  | 'gathering'
  | 'queued'
  | 'running'
  | 'known'
  | 'done'
  | 'planned'
  | 'failed'
  | 'blocked'
  | 'cancelled';

/** What may follow what; everything unfinished may also be blocked or cancelled. */
const next: Readonly<Record<State, readonly State[]>> = {
  idle: ['asked', 'known', 'waiting', 'failed'],
  asked: ['known', 'waiting'],
  waiting: ['comparing', 'failed'],
  comparing: ['known', 'gathering', 'planned', 'failed'],
  gathering: ['queued', 'comparing', 'failed'],
  queued: ['running', 'known', 'done', 'gathering', 'failed'],
  running: ['done', 'known', 'gathering', 'failed'],
  // What was known by name only, or is damaged, may have to be made again.
  known: ['waiting'],
  done: [],
  planned: [],
  failed: [],
  blocked: [],
  cancelled: [],
};

const ends: readonly State[] = ['done', 'known', 'planned', 'failed', 'blocked', 'cancelled'];

/** The one place where a state changes. */
export function change(states: State[], vertex: number, to: State): void {
  const from = states[vertex] ?? 'idle';
  const leaves = (to === 'blocked' || to === 'cancelled') && !ends.includes(from);
  if (!leaves && !next[from].includes(to)) throw new Error(`A step cannot go from ${from} to ${to}`);
  states[vertex] = to;
}
