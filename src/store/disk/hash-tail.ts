import { createHash } from 'node:crypto';
import { readSync } from 'node:fs';

/** A file that one thread writes while another hashes it. Descriptors belong to the process, so both use the same one. */
export interface TailJob {
  readonly fd: number;
  /** One cell that both threads see: the bytes in the file so far, or -1 minus them when no more will come. */
  readonly progress: BigInt64Array<SharedArrayBuffer>;
}

/** Tells the thread how far the file is. Size and end are one value, so that the end cannot slip past a sleeping reader. */
export function tellProgress({ progress }: TailJob, size: number, ended: boolean): void {
  Atomics.store(progress, 0, ended ? -1n - BigInt(size) : BigInt(size));
  Atomics.notify(progress, 0);
}

/** Hashes a file as it grows, sleeping while there is nothing new; answers the digest in hex. Runs in a thread. */
export function hashTail({ fd, progress }: TailJob): string {
  const hash = createHash('sha256');
  const buffer = Buffer.allocUnsafe(1 << 18);
  for (let done = 0; ;) {
    const told = Atomics.load(progress, 0);
    const size = Number(told < 0n ? -1n - told : told);
    if (done === size) {
      if (told < 0n) return hash.digest('hex');
      Atomics.wait(progress, 0, told);
      continue;
    }
    const read = readSync(fd, buffer, 0, Math.min(buffer.length, size - done), done);
    if (read === 0) throw new Error(`The file ends after ${done} of ${size} bytes`);
    hash.update(buffer.subarray(0, read));
    done += read;
  }
}
