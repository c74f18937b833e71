import fc from 'fast-check';
import { expect, test } from 'vitest';
import { hexOf } from '../../src/base/digest.ts';
import { PortkitError } from '../../src/base/errors.ts';
import type { Ref } from '../../src/base/ref.ts';
import type { Graph } from '../../src/graph/graph.ts';
import { blob, createRig, graphOf } from './rig.ts';
import type { Fake } from './rig.ts';

/** One vertex of a random world: what it reads, a fact, and how much of its inputs it tells apart (for early cut-off). */
interface Cell {
  readonly inputs: readonly number[];
  readonly source: boolean;
}

/** What is done between two builds. */
type Move =
  | { readonly do: 'change'; readonly at: number; readonly to: number }
  | { readonly do: 'break'; readonly at: number }
  | { readonly do: 'evict'; readonly at: number }
  | { readonly do: 'forget'; readonly at: number }
  | { readonly do: 'build'; readonly at: number; readonly keepGoing: boolean; readonly second: number }
  | { readonly do: 'cancel'; readonly at: number; readonly after: number };

const cells = fc
  .array(fc.record({ picks: fc.array(fc.nat(), { maxLength: 4 }), source: fc.boolean() }), { minLength: 1, maxLength: 12 })
  .map((list): readonly Cell[] =>
    list.map(({ picks, source }, index) => ({
      inputs: index === 0 ? [] : picks.map((pick) => pick % index),
      source: source && (index === 0 || picks.length === 0),
    })),
  );

const move: fc.Arbitrary<Move> = fc.oneof(
  { weight: 3, arbitrary: fc.record({ do: fc.constant('change' as const), at: fc.nat(), to: fc.nat(3) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('break' as const), at: fc.nat() }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('evict' as const), at: fc.nat() }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('forget' as const), at: fc.nat() }) },
  {
    weight: 5,
    arbitrary: fc.record({ do: fc.constant('build' as const), at: fc.nat(), keepGoing: fc.boolean(), second: fc.nat() }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('cancel' as const), at: fc.nat(), after: fc.nat(5) }) },
);

/** A step whose fact is even looks at half of its input only: different inputs may give one result. */
function give(name: string, fact: number, inputs: readonly Ref[]): Ref {
  const coarse = inputs.map(({ digest }) => (fact % 2 === 0 ? hexOf(digest).slice(0, 1) > '7' : digest));
  return blob(`${name} ${fact >> 1} ${coarse.join()}`);
}

/** What every vertex should give; undefined when it, or something it needs, is broken. */
function evaluate(world: readonly Cell[], facts: readonly number[], broken: ReadonlySet<number>): readonly (Ref | undefined)[] {
  const results: (Ref | undefined)[] = [];
  for (const [index, cell] of world.entries()) {
    const inputs = cell.inputs.map((input) => results[input]).filter((ref) => ref !== undefined);
    const whole = inputs.length === cell.inputs.length && !broken.has(index);
    results.push(whole ? give(`v${index}`, facts[index] ?? 0, inputs) : undefined);
  }
  return results;
}

function worldOf(world: readonly Cell[]): Graph {
  return graphOf(...world.map(({ inputs }, index) => `v${index}: ${inputs.map((input) => `v${input}`).join(' ')}`));
}

function fakesOf(world: readonly Cell[], facts: readonly number[], broken: ReadonlySet<number>): Record<string, Fake> {
  return Object.fromEntries(
    world.map(({ source }, index): [string, Fake] => {
      const fact = facts[index] ?? 0;
      const known = source ? { known: `v${index} ${fact >> 1} ` } : {};
      const run: Fake['run'] = async (inputs, signal) => {
        await Promise.resolve();
        signal.throwIfAborted();
        if (broken.has(index)) return { ok: false, failure: { code: 'PK1003', message: `v${index} is broken` } };
        return { ok: true, outputs: [give(`v${index}`, fact, inputs)] };
      };
      // Broken steps have a fact of their own: a result of before must not hide what they would do now.
      return [`v${index}`, { fact: `${fact}${broken.has(index) ? ' broken' : ''}`, run, ...(broken.has(index) ? {} : known) }];
    }),
  );
}

test('gives what a naive evaluation gives, runs nothing twice, and never runs what is known', { timeout: 60_000 }, async () => {
  const runs = Number(process.env['PORTKIT_PROPERTY_RUNS'] ?? 300);
  await fc.assert(
    fc.asyncProperty(cells, fc.array(move, { maxLength: 25 }), async (world, moves) => {
      const rig = createRig();
      const graph = worldOf(world);
      const facts = world.map(() => 0);
      const broken = new Set<number>();
      let quiet: number | undefined;
      for (const one of moves) {
        const at = one.at % world.length;
        const before = quiet;
        quiet = undefined;
        if (one.do === 'change') facts[at] = one.to;
        else if (one.do === 'break') {
          if (!broken.delete(at)) broken.add(at);
        } else if (one.do === 'evict') {
          const ref = evaluate(world, facts, broken)[at];
          if (ref !== undefined) rig.here.delete(ref.digest);
        } else if (one.do === 'forget') rig.records.delete([...rig.records.keys()][at] ?? blob('').digest);
        else if (one.do === 'cancel') await cancelled(rig, { graph, fakes: fakesOf(world, facts, broken), at, after: one.after });
        else {
          const right = evaluate(world, facts, broken);
          const fakes = fakesOf(world, facts, broken);
          const builds = [at, one.second % world.length].map((target) =>
            rig.build(graph, fakes, { targets: [`v${target}`], keepGoing: one.keepGoing }),
          );
          const from = rig.ran.length;
          const [done] = await Promise.all(builds);
          expect(done?.targets).toEqual(right[at] === undefined ? {} : { [`v${at}`]: right[at] });
          expect(done?.failures.size === 0).toBe(right[at] !== undefined);
          const ran = rig.ran.slice(from);
          expect(new Set(ran).size).toBe(ran.length);
          if (right[at] !== undefined) expect(rig.here.has(right[at].digest)).toBe(true);
          if (before === at && one.second % world.length === at && right[at] !== undefined) expect(ran).toEqual([]);
          quiet = at;
        }
      }
    }),
    { numRuns: runs },
  );
});

async function cancelled(
  rig: ReturnType<typeof createRig>,
  { graph, fakes, at, after }: { graph: Graph; fakes: Record<string, Fake>; at: number; after: number },
): Promise<void> {
  const stop = new AbortController();
  const reason = new PortkitError('PK9001', 'enough');
  const build = rig.build(graph, fakes, { targets: [`v${at}`], signal: stop.signal });
  for (let turn = 0; turn < after; turn += 1) await Promise.resolve();
  stop.abort(reason);
  await build.catch((error: unknown) => expect(error).toBe(reason));
}
