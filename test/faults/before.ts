import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { damageAll } from './damages.ts';
import { runWorker } from './process.ts';

/** The root of the store in a folder of a test. */
export function rootIn(folder: string): string {
  return join(folder, 'store');
}

/** What is in a folder before a fault; each answers what was acknowledged. */
export const before = {
  nothing: () => Promise.resolve([]),
  /** A store with tags and records, and much that nothing leads to. */
  store: prepareStore,
  /** The same for a job that takes all records away: only the tags count. */
  tags: async (folder: string) => (await prepareStore(folder)).filter((line) => line.startsWith('tag ')),
  /** All that the job `work` puts, with damage in every file. */
  damage: async (folder: string) => {
    await runWorker({ job: 'work', root: rootIn(folder) }, true);
    damageAll(rootIn(folder));
    return [];
  },
  /** A folder to take in, and no store yet. */
  source: (folder: string) => {
    const source = `${rootIn(folder)}.source`;
    mkdirSync(join(source, 'a/b'), { recursive: true });
    writeFileSync(join(source, 'a/small'), 'small');
    writeFileSync(join(source, 'a/b/large'), Buffer.alloc(1_200_000, 'large'));
    return Promise.resolve([]);
  },
} satisfies Readonly<Record<string, (folder: string) => Promise<readonly string[]>>>;

function prepareStore(folder: string): Promise<readonly string[]> {
  return runWorker({ job: 'prepare', root: rootIn(folder) }, true);
}
