import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { exportAll } from '../../src/artifacts/export.ts';
import type { Exporter, Target } from '../../src/artifacts/exporter.ts';
import { digestOf } from '../../src/base/digest.ts';
import { shown, signal, startResults } from '../exporters/results.ts';
import type { Results } from '../exporters/results.ts';

/** What every exporter must do; each one's test runs it. `published` shows all that can be seen of what it wrote. */
export function exporterContract(
  name: string,
  open: (folder: string, target?: readonly string[]) => { exporter: Exporter; published: () => string },
): void {
  describe(`${name} keeps the contract of an exporter`, () => {
    let folder: string;
    let results: Results;
    let targets: readonly Target[];

    beforeEach(async () => {
      folder = mkdtempSync(join(tmpdir(), 'portkit-exporter-'));
      results = startResults();
      targets = [await results.tree('root', { 'etc/name': { text: 'demo' } }), await results.blob('kernel', 'bzImage')];
    });
    afterEach(() => rmSync(folder, { recursive: true, force: true }));

    const missing: Target = { name: 'gone', ref: { kind: 'blob', digest: digestOf('never written') } };

    test('shows nothing before it publishes, and everything afterwards', async () => {
      const { exporter, published } = open(folder);
      const before = published();
      exporter.check(['root', 'kernel']);
      {
        using prepared = await exporter.prepare(targets, { blobs: results.blobs, signal });
        expect(published()).toBe(before);
        const receipt = await prepared.publish(signal);
        expect(receipt.exported.map(({ target, ref, files, bytes }) => ({ target, ref, files, bytes }))).toEqual([
          { target: 'root', ref: targets[0]?.ref, files: 1, bytes: 4 },
          { target: 'kernel', ref: targets[1]?.ref, files: 1, bytes: 7 },
        ]);
      }
      expect(published()).toContain('demo');
      expect(published()).toContain('bzImage');
      expect(shown(folder).join('\n')).not.toContain('unfinished');
    });

    test('leaves nothing when it is given up', async () => {
      const { exporter, published } = open(folder);
      const [before, files] = [published(), shown(folder)];
      (await exporter.prepare(targets, { blobs: results.blobs, signal }))[Symbol.dispose]();
      expect([published(), shown(folder)]).toEqual([before, files]);
    });

    test('leaves nothing when a result is not in the store', async () => {
      const { exporter, published } = open(folder);
      const [before, files] = [published(), shown(folder)];
      const all = [...targets, missing];
      await expect(exporter.prepare(all, { blobs: results.blobs, signal })).rejects.toMatchObject({ code: 'PK2002' });
      expect([published(), shown(folder)]).toEqual([before, files]);
    });

    test('leaves nothing when a tree says something untrue about a file', async () => {
      const { exporter, published } = open(folder);
      for (const claims of [0, 3, 5, 2 ** 40]) {
        const [before, files] = [published(), shown(folder)];
        const lie = [await results.tree('lie', { 'a/b': { text: 'true', claims } }), ...targets];
        await expect(exporter.prepare(lie, { blobs: results.blobs, signal })).rejects.toMatchObject({ code: /PK2(?:002|103)/ });
        expect([published(), shown(folder)]).toEqual([before, files]);
      }
    });

    test('leaves nothing when it is cancelled', async () => {
      const { exporter, published } = open(folder);
      const [before, files] = [published(), shown(folder)];
      const reason = new Error('enough');
      const cancelled = AbortSignal.abort(reason);
      await expect(exporter.prepare(targets, { blobs: results.blobs, signal: cancelled })).rejects.toBe(reason);
      using prepared = await exporter.prepare(targets, { blobs: results.blobs, signal });
      await expect(prepared.publish(cancelled)).rejects.toBe(reason);
      prepared[Symbol.dispose]();
      expect([published(), shown(folder)]).toEqual([before, files]);
    });

    test('publishes nothing when another exporter of the build cannot prepare', async () => {
      const { exporter, published } = open(folder);
      const [before, files] = [published(), shown(folder)];
      const failing: Exporter = { check: () => undefined, prepare: () => Promise.reject(new Error('no')) };
      const context = { blobs: results.blobs, signal };
      await expect(exportAll([exporter, failing], targets, context)).rejects.toThrow('no');
      await expect(exportAll([failing, exporter], targets, context)).rejects.toThrow('no');
      expect([published(), shown(folder)]).toEqual([before, files]);
      expect(await exportAll([exporter], targets, context)).toHaveLength(1);
    });

    test('publishes the same once more', async () => {
      const { exporter, published } = open(folder);
      await exportAll([exporter], targets, { blobs: results.blobs, signal });
      const first = published();
      await exportAll([exporter], targets, { blobs: results.blobs, signal });
      expect([first, first + first]).toContain(published());
    });

    test('knows before the build that a target is not made', () => {
      const { exporter } = open(folder, ['kernle']);
      expect(() => exporter.check(['root', 'kernel'])).toThrow(
        expect.objectContaining({ code: 'PK3403', hint: 'Did you mean "kernel"?' }),
      );
      expect(() => exporter.check(['root', 'kernle'])).not.toThrow();
    });

    test.each(['..', '../up', '/etc', 'a//b', 'a/./b', 'a/../../b', '', 'nul\0', 'a/'])(
      'refuses a target named %j',
      async (bad) => {
        const { exporter, published } = open(folder);
        const [before, files] = [published(), shown(folder)];
        const hostile = [await results.blob(bad, 'x'), ...targets];
        await expect(exporter.prepare(hostile, { blobs: results.blobs, signal })).rejects.toMatchObject({ code: 'PK3405' });
        expect([published(), shown(folder)]).toEqual([before, files]);
      },
    );

    test('refuses targets that want one path', async () => {
      const { exporter } = open(folder);
      for (const [a, b] of [
        ['a', 'a'],
        ['a', 'a/b'],
        ['a/b', 'a'],
        ['a/b/c', 'a/b'],
      ] as const) {
        const both = [await results.blob(a, 'x'), await results.tree(b, {})];
        await expect(exporter.prepare(both, { blobs: results.blobs, signal })).rejects.toMatchObject({ code: 'PK3405' });
      }
    });
  });
}
