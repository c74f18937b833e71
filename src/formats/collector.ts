/** Puts many small pieces together into chunks that are worth handing on. */
export interface Collector {
  /** One byte for each character. */
  text(latin1: string): void;
  zeros(count: number): void;
  /** Many bytes; answers what is to be handed on now. At most 64 KiB are copied, more are handed on as they are. */
  add(bytes: Uint8Array): readonly Uint8Array[];
  full(): boolean;
  /** What was collected; begins a new chunk. */
  take(): Uint8Array;
  /** How many bytes there were in all. */
  offset(): number;
}

/** Bytes that are put together with others. */
const mostCopied = 2 ** 16;
/** Nothing to hand on, as mostly. */
const none: readonly Uint8Array[] = [];
/** A chunk is handed on when it has this much. */
const enough = 2 ** 18;
/** Room for what one entry brings besides its content. */
const spare = 2 ** 14;

/** How chunks are made. */
export interface ChunkOptions {
  /** Each chunk is good only until the next is asked for: new memory for each takes as long as the copying. */
  readonly reuse?: boolean;
}

/** Collects from nothing. */
export function collector({ reuse = false }: ChunkOptions = {}): Collector {
  const fresh = (): Buffer => Buffer.allocUnsafeSlow(enough + spare);
  let chunk = fresh();
  let other = reuse ? fresh() : chunk;
  let used = 0;
  let before = 0;

  function take(): Uint8Array {
    const taken = chunk.subarray(0, used);
    before += used;
    used = 0;
    [chunk, other] = reuse ? [other, chunk] : [fresh(), other];
    return taken;
  }

  return {
    text(latin1) {
      used += chunk.write(latin1, used, 'latin1');
    },
    zeros(count) {
      if (count === 0) return;
      chunk.fill(0, used, used + count);
      used += count;
    },
    add(bytes) {
      if (bytes.length <= mostCopied) {
        const handed = used + bytes.length > enough ? [take()] : none;
        chunk.set(bytes, used);
        used += bytes.length;
        return handed;
      }
      const handed = used > 0 ? [take(), bytes] : [bytes];
      before += bytes.length;
      return handed;
    },
    full: () => used >= enough,
    take,
    offset: () => before + used,
  };
}
