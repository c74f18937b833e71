import { digestOf } from '../../src/base/digest.ts';
import type { Digest } from '../../src/base/digest.ts';
import { PortkitError } from '../../src/base/errors.ts';
import type { Ref } from '../../src/base/ref.ts';
import type { Graph, Vertex } from '../../src/graph/graph.ts';
import type { Happening } from '../../src/progress/event.ts';
import type { Facts, Op, Outcome } from '../../src/solver/op.ts';
import { createPools } from '../../src/solver/pools.ts';
import type { Finished, Grounds } from '../../src/solver/ports.ts';
import type { BuildParts, SolveOptions } from '../../src/solver/run.ts';
import { createSolver } from '../../src/solver/solver.ts';
import type { Solved } from '../../src/solver/solver.ts';

/** A blob of this text. */
export function blob(text: string): Ref {
  return { kind: 'blob', digest: digestOf(text) };
}

/** How a fake step behaves; what is not said: it gives a blob of its name, fact and inputs. */
export interface Fake {
  readonly fact?: string;
  /** A source of known content. */
  readonly known?: string;
  /** What it reads of its inputs. */
  readonly narrow?: (inputs: readonly Ref[]) => readonly Ref[];
  readonly run?: (inputs: readonly Ref[], signal: AbortSignal) => Outcome | Promise<Outcome>;
  readonly refuses?: boolean;
  readonly pool?: Op['pool'];
}

/** A world in memory: records and blobs that a test can take away, and a list of what ran. */
export function createRig() {
  const records = new Map<Digest, readonly Ref[]>();
  const runs = new Map<string, Grounds>();
  const here = new Set<Digest>();
  const held = new Set<Digest>();
  const ran: string[] = [];
  const asked: Digest[][] = [];
  const holders = new Map<Digest, PromiseWithResolvers<void>>();
  let clock = 0;
  const remembered: BuildParts = {
    results: {
      lookup(keys) {
        asked.push([...keys]);
        return keys.map((key) => {
          const outputs = records.get(key);
          return outputs?.every(({ digest }) => here.has(digest)) === true ? outputs : undefined;
        });
      },
      save(finished: readonly Finished[]) {
        for (const { keys, outputs, ran: done } of finished) {
          for (const key of keys) records.set(key, outputs);
          if (done !== undefined) runs.set(done.step, done.grounds);
        }
      },
      lastRuns: (steps) => steps.map((step) => runs.get(step)),
    },
    presence: {
      look: (refs) => refs.map(({ digest }) => here.has(digest)),
      hold(refs) {
        for (const { digest } of refs) held.add(digest);
        return refs.map(({ digest }) => here.has(digest));
      },
    },
  };
  const solver = createSolver({
    turns: {
      async take(key) {
        const before = holders.get(key);
        const mine = Promise.withResolvers<void>();
        holders.set(key, mine);
        await before?.promise;
        return { [Symbol.dispose]: () => mine.resolve() };
      },
    },
    pools: createPools({ cpu: 2, io: 4, network: 2, none: 8 }),
    now: () => (clock += 1),
  });
  function opFor(fakes: Readonly<Record<string, Fake>>, vertex: Vertex): Op {
    const fake = fakes[vertex.name] ?? {};
    const facts: Facts = {
      facts: { fact: fake.fact ?? '', name: vertex.name },
      ...(fake.known !== undefined && { outputs: [blob(fake.known)] }),
    };
    return {
      code: 'fake/1',
      pool: fake.pool ?? 'cpu',
      facts() {
        if (fake.refuses === true) throw new PortkitError('PK1003', 'refused');
        return facts;
      },
      ...(fake.narrow !== undefined && { narrow: (inputs) => Promise.resolve(fake.narrow?.(inputs) ?? inputs) }),
      async run(inputs, { signal }) {
        ran.push(vertex.name);
        const missing = inputs.find(({ digest }) => !here.has(digest));
        if (missing !== undefined) throw new PortkitError('PK2002', `${missing.digest} is gone`);
        const normal = fake.known ?? `${vertex.name} ${fake.fact ?? ''} ${inputs.map(({ digest }) => digest).join(' ')}`;
        const outcome = await (fake.run?.(inputs, signal) ?? { ok: true, outputs: [blob(normal)] });
        if (outcome.ok) for (const { digest } of outcome.outputs) here.add(digest);
        return outcome;
      },
    };
  }
  return {
    records,
    runs,
    here,
    held,
    ran,
    asked,
    solver,
    /** Builds; answers what came of it, what ran, and what was told. */
    async build(
      graph: Graph,
      fakes: Readonly<Record<string, Fake>>,
      options: Partial<SolveOptions> & { readonly targets?: readonly string[] } = {},
    ): Promise<Solved & { readonly ran: readonly string[]; readonly told: readonly Happening[] }> {
      const told: Happening[] = [];
      const from = ran.length;
      const { targets = Object.keys(graph.targets), ...rest } = options;
      const solved = await solver.solve(graph, targets, {
        mode: 'build',
        keepGoing: false,
        signal: new AbortController().signal,
        emit: (happening) => told.push(happening),
        describe: (reasons) => Promise.resolve(reasons),
        output: () => undefined,
        ...rest,
        ...remembered,
        opFor: (vertex) => opFor(fakes, vertex),
      });
      return { ...solved, ran: ran.slice(from), told };
    },
  };
}

/** A graph from lines like `c: a b`; every vertex is a target. */
export function graphOf(...lines: readonly string[]): Graph {
  const names = lines.map((line) => line.split(':', 1)[0] ?? '');
  const vertices = lines.map((line): Vertex => {
    const inputs = (line.split(':')[1] ?? '').split(' ').filter((word) => word !== '');
    return {
      name: line.split(':', 1)[0] ?? '',
      op: { type: 'merge' },
      inputs: inputs.map((input) => ({ vertex: names.indexOf(input), output: 0 })),
    };
  });
  return { vertices, targets: Object.fromEntries(names.map((name, vertex) => [name, { vertex, output: 0 }])) };
}
