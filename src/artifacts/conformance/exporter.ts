import * as assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { digestOf } from '../../base/digest.ts';
import { exportAll } from '../export.ts';
import type { Exporter, Target } from '../exporter.ts';
import { shown, startResults } from './results.ts';
import type { Results } from './results.ts';

/** An exporter that is tried, and everything that can be seen of what it has published, as text. */
export interface Tried {
  readonly exporter: Exporter;
  readonly published: () => string | Promise<string>;
}

/** Makes an exporter that writes below a folder: all targets, or those of these names. */
export type OpenTried = (folder: string, target?: readonly string[]) => Tried | Promise<Tried>;

/** One thing that every exporter does; `run` throws an AssertionError when this one does not. */
export interface ConformanceCase {
  readonly name: string;
  readonly run: () => Promise<void>;
}

/** What a case works with. */
interface Trial extends Tried {
  readonly folder: string;
  readonly results: Results;
  /** A tree named `root` with a file `demo`, and a file named `kernel`. */
  readonly targets: readonly Target[];
  /** The exporter for targets of these names. */
  readonly only: (...target: readonly string[]) => Promise<Exporter>;
  /** Fails when more or less can be seen than before. */
  readonly nothingNew: () => Promise<void>;
}

const { signal } = new AbortController();
const missing: Target = { name: 'gone', ref: { kind: 'blob', digest: digestOf('never written') } };

/** What every exporter must do, for any framework of tests: each case stands by itself and clears up. */
export function exporterConformance(open: OpenTried): readonly ConformanceCase[] {
  return Object.entries(cases).map(([name, check]) => ({ name, run: () => tried(open, check) }));
}

async function tried(open: OpenTried, check: (trial: Trial) => Promise<void>): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'portkit-exporter-'));
  try {
    const results = startResults();
    const targets = [await results.tree('root', { 'etc/name': { text: 'demo' } }), await results.blob('kernel', 'bzImage')];
    const { exporter, published } = await open(folder);
    const before = [await published(), shown(folder)];
    await check({
      exporter,
      published,
      folder,
      results,
      targets,
      only: async (...target) => (await open(folder, target)).exporter,
      nothingNew: async () => assert.deepEqual([await published(), shown(folder)], before),
    });
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

const cases: Readonly<Record<string, (trial: Trial) => Promise<void>>> = {
  'shows nothing before it publishes, and everything afterwards': async ({ exporter, published, folder, results, targets }) => {
    const before = await published();
    exporter.check(['root', 'kernel']);
    {
      using prepared = await exporter.prepare(targets, { blobs: results.blobs, signal });
      assert.equal(await published(), before);
      const receipt = await prepared.publish(signal);
      assert.deepEqual(
        receipt.exported.map(({ target, ref, files, bytes }) => ({ target, ref, files, bytes })),
        [
          { target: 'root', ref: targets[0]?.ref, files: 1, bytes: 4 },
          { target: 'kernel', ref: targets[1]?.ref, files: 1, bytes: 7 },
        ],
      );
    }
    assert.match(await published(), /demo/);
    assert.match(await published(), /bzImage/);
    assert.doesNotMatch(shown(folder).join('\n'), /unfinished/);
  },

  'leaves nothing when it is given up': async ({ exporter, results, targets, nothingNew }) => {
    (await exporter.prepare(targets, { blobs: results.blobs, signal }))[Symbol.dispose]();
    await nothingNew();
  },

  'leaves nothing when a result is not in the store': async ({ exporter, results, targets, nothingNew }) => {
    const all = [...targets, missing];
    await assert.rejects(exporter.prepare(all, { blobs: results.blobs, signal }), { code: 'PK2002' });
    await nothingNew();
  },

  'leaves nothing when a tree says something untrue about a file': async ({ exporter, results, targets, nothingNew }) => {
    for (const claims of [0, 3, 5, 2 ** 40]) {
      const lie = [await results.tree('lie', { 'a/b': { text: 'true', claims } }), ...targets];
      await assert.rejects(exporter.prepare(lie, { blobs: results.blobs, signal }), { code: /PK2(?:002|103)/ });
      await nothingNew();
    }
  },

  'leaves nothing when it is cancelled': async ({ exporter, results, targets, nothingNew }) => {
    const reason = new Error('enough');
    const cancelled = AbortSignal.abort(reason);
    const isReason = (error: unknown): boolean => error === reason;
    await assert.rejects(exporter.prepare(targets, { blobs: results.blobs, signal: cancelled }), isReason);
    using prepared = await exporter.prepare(targets, { blobs: results.blobs, signal });
    await assert.rejects(prepared.publish(cancelled), isReason);
    prepared[Symbol.dispose]();
    await nothingNew();
  },

  'publishes nothing when another exporter of the build cannot prepare': async ({ exporter, results, targets, nothingNew }) => {
    const failing: Exporter = { check: () => undefined, prepare: () => Promise.reject(new Error('no')) };
    const context = { blobs: results.blobs, signal };
    await assert.rejects(exportAll([exporter, failing], targets, context), /no/);
    await assert.rejects(exportAll([failing, exporter], targets, context), /no/);
    await nothingNew();
    assert.equal((await exportAll([exporter], targets, context)).length, 1);
  },

  'publishes the same once more': async ({ exporter, published, results, targets }) => {
    await exportAll([exporter], targets, { blobs: results.blobs, signal });
    const first = await published();
    await exportAll([exporter], targets, { blobs: results.blobs, signal });
    // Of a stream, all that was ever published can be seen.
    assert.ok([first, first + first].includes(await published()), 'the second time published something else');
  },

  'knows before the build that a target is not made': async ({ only }) => {
    const exporter = await only('kernle');
    assert.throws(() => exporter.check(['root', 'kernel']), { code: 'PK3403', hint: 'Did you mean "kernel"?' });
    exporter.check(['root', 'kernle']);
  },

  ...Object.fromEntries(
    ['..', '../up', '/etc', 'a//b', 'a/./b', 'a/../../b', '', 'nul\0', 'a/'].map((bad) => [
      `refuses a target named ${JSON.stringify(bad)}`,
      async ({ exporter, results, targets, nothingNew }: Trial) => {
        const hostile = [await results.blob(bad, 'x'), ...targets];
        await assert.rejects(exporter.prepare(hostile, { blobs: results.blobs, signal }), { code: 'PK3405' });
        await nothingNew();
      },
    ]),
  ),

  'refuses targets that want one path': async ({ exporter, results }) => {
    for (const [a, b] of [
      ['a', 'a'],
      ['a', 'a/b'],
      ['a/b', 'a'],
      ['a/b/c', 'a/b'],
    ] as const) {
      const both = [await results.blob(a, 'x'), await results.tree(b, {})];
      await assert.rejects(exporter.prepare(both, { blobs: results.blobs, signal }), { code: 'PK3405' });
    }
  },
};
