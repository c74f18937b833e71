import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import type { CollectOptions } from '../../src/store/store.ts';
import { openForTest } from './judge.ts';
import type { Mutant } from './mutants.ts';
import { runWorker } from './process.ts';

/** Whether a repair and a collection without any roots leave nothing in the store. */
export async function canBeEmptied(root: string, mutant?: Mutant): Promise<boolean> {
  if (mutant === undefined) await repairAndUntag(root);
  else await runWorker({ job: 'empty', root, mutant });
  // What a process has just repaired it may use, so that another one must take it.
  const collected = await collectAll(root, { maxSize: 0 });
  const left = ['blobs/sha256', 'packs'].flatMap((folder) => readdirSync(join(root, 'v1', folder)));
  return collected && left.length === 0;
}

/** Repairs a store, and takes all its tags away. */
export async function repairAndUntag(root: string): Promise<void> {
  await using store = openForTest(root);
  await store.verify({ repair: true }, new AbortController().signal);
  for (const { name } of store.tags.list()) store.tags.delete(name);
}

/** Collects once; whether that went well. */
export async function collectAll(root: string, options: CollectOptions): Promise<boolean> {
  await using store = openForTest(root);
  return await store.collect(options, new AbortController().signal).then(
    () => true,
    () => false,
  );
}
