import type { ByteString } from '../../base/byte-string.ts';
import { characterAt, parseGlob } from './glob-steps.ts';
import type { Step } from './glob-steps.ts';

/** One pattern, ready to be asked; a pattern that matches a directory matches everything below it too. */
export interface Glob {
  /** Whether it matches the path or a directory above it. */
  matches(path: ByteString): boolean;
  /** How much of what can stand below a directory it matches; `some` may turn out to be nothing. */
  below(directory: ByteString): 'all' | 'some' | 'none';
}

/** All steps at which a pattern can be after some text, and where a character leads from there, as far as it was asked. */
interface State {
  readonly steps: ReadonlySet<number>;
  readonly next: Map<string, State>;
}

/** So many steps are remembered in the states of a pattern; hostile ones have more, and pay with time, not with memory. */
const mostRemembered = 1 << 14;

/**
 * Compiles a clean pattern (no `.`, no doubled slash): `*`, `?`, classes and `\` as in Go's filepath.Match, `**` as Docker
 * has it. Refuses (PK1004) what has no meaning. There is no backtracking: a match takes pattern length times path length.
 */
export function compileGlob(pattern: ByteString): Glob {
  const steps = parseGlob(pattern);
  const literal = steps.map((step) => (step.is === 'character' ? step.character : undefined));
  return literal.includes(undefined) ? machine(steps) : literalGlob(literal.join(''));
}

function literalGlob(literal: string): Glob {
  return {
    matches: (path) => path === literal || path.startsWith(`${literal}/`),
    below(directory) {
      if (directory === literal || directory.startsWith(`${literal}/`)) return 'all';
      return literal.startsWith(`${directory}/`) ? 'some' : 'none';
    },
  };
}

/** A deterministic automaton whose states are made when they are first met. */
function machine(steps: readonly Step[]): Glob {
  const states = new Map<string, State>();
  let remembered = 0;
  const start = stateOf(enter(steps, 0, new Set()));
  const last = steps.at(-1)?.is;

  function stateOf(set: ReadonlySet<number>): State {
    const key = [...set].sort((a, b) => a - b).join();
    const known = states.get(key);
    if (known !== undefined) return known;
    remembered += 1 + set.size;
    if (remembered > mostRemembered) {
      for (const { next } of states.values()) next.clear();
      states.clear();
      remembered = 0;
    }
    const state: State = { steps: set, next: new Map() };
    states.set(key, state);
    return state;
  }

  function follow(state: State, one: string): State {
    const known = state.next.get(one);
    if (known !== undefined) return known;
    const found = stateOf(advance(steps, state.steps, one));
    // Other scripts have very many characters; the ones of most paths are few.
    if (one.length === 1) state.next.set(one, found);
    return found;
  }

  /** Where the pattern is after a path, or undefined when it has matched the path or a directory above. */
  function run(path: ByteString): State | undefined {
    let state = start;
    for (let at = 0; at < path.length && state.steps.size > 0;) {
      const one = characterAt(path, at);
      if (one === '/' && state.steps.has(steps.length)) return undefined;
      state = follow(state, one);
      at += one.length;
    }
    return state.steps.has(steps.length) ? undefined : state;
  }

  return {
    matches: (path) => run(path) === undefined,
    below(directory) {
      const state = run(directory);
      if (state === undefined) return 'all';
      const inside = follow(state, '/').steps;
      // A `*` that ends the pattern stands at the beginning of a name here, so it matches every name.
      if ((last === 'star' || last === 'rest') && inside.has(steps.length - 1)) return 'all';
      return [...inside].some((at) => at < steps.length) ? 'some' : 'none';
    },
  };
}

/** Adds a step, and the ones after it when it need not take anything. */
function enter(steps: readonly Step[], at: number, set: Set<number>): Set<number> {
  if (set.has(at)) return set;
  set.add(at);
  const is = steps[at]?.is;
  if (is === 'star' || is === 'rest' || is === 'dirs') enter(steps, at + 1, set);
  if (is === 'dirs') enter(steps, at + 2, set);
  return set;
}

/** The steps after one more character. */
function advance(steps: readonly Step[], set: ReadonlySet<number>, one: string): ReadonlySet<number> {
  const next = new Set<number>();
  for (const at of set) {
    const step = steps[at];
    if (step === undefined || !takes(step, one)) continue;
    const stays = step.is === 'star' || step.is === 'rest' || step.is === 'inDirs';
    if (stays) enter(steps, at, next);
    if (!stays || (step.is === 'inDirs' && one === '/')) enter(steps, at + 1, next);
  }
  return next;
}

function takes(step: Step, one: string): boolean {
  if (step.is === 'character') return step.character === one;
  if (step.is === 'class') return step.ranges.some(([low, high]) => low <= one && one <= high) !== step.negated;
  if (step.is === 'one' || step.is === 'star') return one !== '/';
  return step.is !== 'dirs';
}
