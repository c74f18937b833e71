/** Lets at most so many pieces of work run at once; the others wait in their order. */
export interface Slots {
  run<T>(work: () => Promise<T>, signal: AbortSignal): Promise<T>;
}

/** That many places to work at, and at least one. */
export function createSlots(count: number): Slots {
  const waiting: (() => void)[] = [];
  let free = Math.max(1, count);

  async function take(): Promise<void> {
    if (free > 0) {
      free -= 1;
      return;
    }
    // Whoever leaves hands the place on.
    await new Promise<void>((resolve) => waiting.push(resolve));
  }

  function leave(): void {
    const next = waiting.shift();
    if (next === undefined) free += 1;
    else next();
  }

  return {
    async run(work, signal) {
      await take();
      try {
        signal.throwIfAborted();
        return await work();
      } finally {
        leave();
      }
    },
  };
}
