import type { default as Queue } from 'p-queue';
import type { PoolName } from './op.ts';

/** How many ops may work at once, by what they need. */
export type PoolLimits = Readonly<Record<PoolName, number>>;

/** Lets as much run at once as there is room for, the most urgent first. */
export interface Pools {
  run<T>(pool: PoolName, priority: number, work: () => Promise<T>): Promise<T>;
}

/** Pools whose queues are made when the first work comes: a build in which everything is known loads nothing. */
export function createPools(limits: PoolLimits): Pools {
  const queues = new Map<PoolName, Promise<Queue>>();
  return {
    async run(pool, priority, work) {
      let queue = queues.get(pool);
      if (queue === undefined) {
        queue = import('p-queue').then((module) => new module.default({ concurrency: limits[pool] }));
        queues.set(pool, queue);
      }
      return (await queue).add(work, { priority });
    },
  };
}
