/** The two ways a file is brought to the disk. */
export interface FileSync {
  /** The bytes written so far. */
  data(): Promise<void>;
  /** The bytes and everything needed to read them again. */
  whole(): Promise<void>;
}

/** A file on its way to the disk while it is filled. Dispose it before the descriptor is closed: a sync may be under way. */
export interface WriteBack extends AsyncDisposable {
  /** Says that the file has so many bytes more. */
  wrote(bytes: number): void;
  /** Resolves when the whole file is durable. A sync that failed on the way is the file's failure, and is not tried again. */
  finish(): Promise<void>;
}

/** Bytes after which the kernel is asked to start writing back, so that the final sync finds little left to do. */
const every = 64 << 20;

/** Starts a sync now and then, never two at a time, and the last one when the file is whole. */
export function createWriteBack(sync: FileSync): WriteBack {
  let waiting = 0;
  let busy = false;
  let failed = false;
  let early = Promise.resolve();
  let last = Promise.resolve();
  return {
    wrote(bytes) {
      waiting += bytes;
      if (waiting < every || busy) return;
      waiting = 0;
      busy = true;
      early = sync.data().then(() => void (busy = false));
      early.catch(() => (failed = true));
    },
    async finish() {
      if (!failed) last = sync.whole();
      await Promise.all([early, last]);
    },
    async [Symbol.asyncDispose]() {
      await Promise.allSettled([early, last]);
    },
  };
}
