import type { Ref } from '../base/ref.ts';
import type { Reason } from '../progress/event.ts';
import type { Grounds } from './ports.ts';

/** What else decides why a step runs. */
interface Circumstances {
  /** It was asked to run whatever is known. */
  readonly forced: boolean;
  /** Whether an input was made in this build, as against a source that changed. */
  readonly wasMade: (input: string) => boolean;
}

/** Every reason for which a step runs, the first that a person would name first. */
export function reasonsFor(
  now: Omit<Grounds, 'took'>,
  last: Grounds | undefined,
  circumstances: Circumstances,
): readonly Reason[] {
  if (circumstances.forced) return [{ kind: 'forced' }];
  if (last === undefined) return [{ kind: 'new' }];
  const reasons = [...inputReasons(now, last, circumstances), ...factReasons(now.facts, last.facts)];
  if (now.code !== last.code) reasons.push({ kind: 'portkit', before: last.code, after: now.code });
  return reasons.length > 0 ? reasons : [{ kind: 'evicted' }];
}

function inputReasons(now: Omit<Grounds, 'took'>, last: Grounds, { wasMade }: Circumstances): Reason[] {
  const before = namedInputs(last);
  const after = namedInputs(now);
  const names = [...new Set([...after.keys(), ...before.keys()])];
  return names
    .filter((name) => before.get(name)?.digest !== after.get(name)?.digest)
    .map((name) => {
      const [old, now] = [before.get(name), after.get(name)];
      const of = (now ?? old)?.kind;
      const kind = wasMade(name) ? 'upstream' : 'input';
      return { kind, name, ...between(old?.digest, now?.digest), ...(of !== undefined && { of }) };
    });
}

/** Inputs by name; a vertex that is used twice has a number behind the second. */
function namedInputs({ inputs }: Pick<Grounds, 'inputs'>): Map<string, Ref> {
  const found = new Map<string, Ref>();
  for (const { name, ref } of inputs) {
    let shown = name;
    for (let count = 2; found.has(shown); count += 1) shown = `${name} (${count})`;
    found.set(shown, ref);
  }
  return found;
}

function factReasons(now: Grounds['facts'], last: Grounds['facts']): Reason[] {
  const names = [...new Set([...Object.keys(now), ...Object.keys(last)])].toSorted();
  return names
    .filter((name) => now[name] !== last[name])
    .map((fact) => {
      const [word = '', ...rest] = fact.split(' ');
      const kind = word === 'tool' ? 'tool' : word === 'env' ? 'environment' : 'option';
      return { kind, name: kind === 'option' ? fact : rest.join(' '), ...between(last[fact], now[fact]) };
    });
}

function between(before: string | undefined, after: string | undefined): Pick<Reason, 'before' | 'after'> {
  return { ...(before !== undefined && { before }), ...(after !== undefined && { after }) };
}
