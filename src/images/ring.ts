/**
 * Places in shared memory for files that one thread reads before another asks for them. Files are numbered in the order in
 * which they are wanted; file N belongs in place N modulo their count. The asking thread never waits: what is not there it
 * reads by itself, and moves the reading thread on, so that both read and neither reads the same.
 */
export interface Ring {
  readonly state: Int32Array<SharedArrayBuffer>;
  readonly bytes: SharedArrayBuffer;
}

/** Larger files have no place. */
export const placeSize = 2 ** 16;
const places = 128;
/** A full ring is looked at again after so long, half the time its files last: to be woken costs the asking thread more. */
const pauseMs = 1;
/** How far the reading thread is moved on when it is overtaken: it shall be done with a file by the time that is asked for. */
const lead = 8;

/** In `state`: the file to be read next, the file in use (those before it are done with), then one more than the file in each place. */
const next = 0;
const inUse = 1;
const filled = 2;

/** A ring with nothing in it. */
export function emptyRing(): Ring {
  const state = new Int32Array(new SharedArrayBuffer(4 * (filled + places)));
  return { state, bytes: new SharedArrayBuffer(places * placeSize) };
}

/** The place of a file. */
export function placeOf({ bytes }: Ring, file: number): Buffer<SharedArrayBuffer> {
  return Buffer.from(bytes, (file % places) * placeSize, placeSize);
}

/** Asks for a file: whether it is in its place, to be used until the next is asked for. Nothing is found in a second pass. */
export function ask({ state }: Ring, file: number): boolean {
  const before = Atomics.load(state, inUse);
  if (file < before) return false;
  Atomics.store(state, inUse, file);
  if (Atomics.load(state, filled + (file % places)) === file + 1) return true;
  const reading = Atomics.load(state, next);
  if (reading < file + lead) Atomics.compareExchange(state, next, reading, file + lead);
  return false;
}

/** The next file for the reading thread, once its place is free; undefined after the last. */
export function claim({ state }: Ring, count: number): number | undefined {
  for (;;) {
    const file = Atomics.load(state, next);
    if (file >= count) return undefined;
    const used = Atomics.load(state, inUse);
    if (file - used >= places) Atomics.wait(state, inUse, used, pauseMs);
    else if (Atomics.compareExchange(state, next, file, file + 1) === file) return file;
  }
}

/** Tells that a file is in its place. */
export function fill({ state }: Ring, file: number): void {
  Atomics.store(state, filled + (file % places), file + 1);
}
