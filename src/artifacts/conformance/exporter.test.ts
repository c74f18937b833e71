import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import type { Exporter, Receipt } from '../exporter.ts';
import { exporterConformance } from './exporter.ts';
import type { ConformanceCase } from './exporter.ts';

/** The cases that do not pass. */
async function failing(cases: readonly ConformanceCase[]): Promise<readonly string[]> {
  const failed: string[] = [];
  for (const { name, run } of cases) await run().catch(() => failed.push(name));
  return failed;
}

const receipt: Receipt = { type: 'x', destination: 'x', exported: [], written: 0, unchanged: 0, warnings: [] };
const ready = { publish: () => Promise.resolve(receipt), [Symbol.dispose]: () => undefined };

test('no case passes with an exporter that only fails', async () => {
  const exporter: Exporter = { check: () => undefined, prepare: () => Promise.reject(new Error('never')) };
  const cases = exporterConformance(() => ({ exporter, published: () => '' }));
  expect(await failing(cases)).toEqual(cases.map(({ name }) => name));
  expect(cases).toHaveLength(18);
});

test('an exporter that does nothing passes where nothing is what is asked', async () => {
  const exporter: Exporter = { check: () => undefined, prepare: () => Promise.resolve(ready) };
  const failed = await failing(exporterConformance(() => ({ exporter, published: () => '' })));
  expect(failed).toHaveLength(15);
  expect(failed).not.toContain('leaves nothing when it is given up');
});

test('one that writes too early is found out, wherever it writes', async () => {
  let count = 0;
  for (const published of [() => `${count}`, () => '']) {
    const cases = exporterConformance((folder) => ({
      exporter: {
        check: () => undefined,
        prepare() {
          count += 1;
          mkdirSync(join(folder, 'early'), { recursive: true });
          writeFileSync(join(folder, 'early', `${count}`), '');
          return Promise.resolve(ready);
        },
      },
      published,
    }));
    expect(await failing(cases)).toEqual(expect.arrayContaining(['leaves nothing when it is given up']));
  }
});

test('making an exporter and looking may take time', async () => {
  const exporter: Exporter = { check: () => undefined, prepare: () => Promise.resolve(ready) };
  const cases = exporterConformance(async () => ({ exporter, published: async () => '' }));
  expect(await failing(cases)).toHaveLength(15);
});
