import type { Seen } from './open-below.ts';
import { ask, emptyRing, placeOf, placeSize } from './ring.ts';
import type { Ring } from './ring.ts';

/** What the reading thread is told. */
export interface ReadAheadJob {
  /** A path that leads to the directory that is held. */
  readonly directory: string;
  /** The paths of the files below it, with a NUL between them. */
  readonly paths: string;
  /** Device, inode, size and change time of each. */
  readonly seen: BigInt64Array<SharedArrayBuffer>;
  readonly ring: Ring;
}

/** A second thread that reads small files in the order in which they will be asked for. */
export interface ReadAhead extends Disposable {
  /** Tells it which; those that are too large are left out. */
  begin(directory: string, files: ReadonlyMap<string, Seen>): void;
  /** The bytes of a file if they are there already, good until the next is asked for. */
  take(path: string, size: number): Uint8Array | undefined;
}

/** Starts the thread: about 35 ms of a processor, and 10 MB. It is good for an order of files that is known before. */
export function startReadAhead(): ReadAhead {
  const { Worker } = process.getBuiltinModule('node:worker_threads');
  const worker = new Worker(new URL('./read-ahead-worker.ts', import.meta.url), {
    resourceLimits: { maxYoungGenerationSizeMb: 8, maxOldGenerationSizeMb: 64 },
  });
  // Without it all files are read by who asks for them.
  worker.on('error', () => undefined);
  worker.unref();
  const ring = emptyRing();
  const turns = new Map<string, number>();
  return {
    begin(directory, files) {
      const seen = new BigInt64Array(new SharedArrayBuffer(32 * files.size));
      let at = 0;
      for (const [path, { dev, ino, size, ctimeNs }] of files) {
        if (size > placeSize) continue;
        turns.set(path, at / 4);
        seen[at] = dev;
        seen[at + 1] = ino;
        seen[at + 2] = BigInt(size);
        seen[at + 3] = ctimeNs;
        at += 4;
      }
      const job: ReadAheadJob = { directory, paths: [...turns.keys()].join('\0'), seen, ring };
      worker.postMessage(job);
    },
    take(path, size) {
      const turn = turns.get(path);
      return turn !== undefined && ask(ring, turn) ? placeOf(ring, turn).subarray(0, size) : undefined;
    },
    [Symbol.dispose]: () => void worker.terminate(),
  };
}
