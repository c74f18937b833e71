/** Runs work at most once per key at a time; everybody who asks meanwhile shares the result. */
interface SingleFlight<T> {
  /** The shared result. An aborted caller leaves at once with its own reason; the work is cancelled when the last has left. */
  run(key: string, work: (signal: AbortSignal) => Promise<T>, signal: AbortSignal): Promise<T>;
}

interface Flight<T> {
  readonly controller: AbortController;
  readonly result: Promise<T>;
  waiting: number;
}

/** A new set of flights. */
export function createSingleFlight<T>(): SingleFlight<T> {
  const flights = new Map<string, Flight<T>>();
  function start(key: string, work: (signal: AbortSignal) => Promise<T>): Flight<T> {
    const controller = new AbortController();
    const result = Promise.resolve().then(() => {
      // Whoever asked may have left again in the same turn.
      controller.signal.throwIfAborted();
      return work(controller.signal);
    });
    const flight: Flight<T> = { controller, result, waiting: 0 };
    const land = (): void => {
      if (flights.get(key) === flight) flights.delete(key);
    };
    result.then(land, land);
    flights.set(key, flight);
    return flight;
  }
  function leave(key: string, flight: Flight<T>, reason: unknown): void {
    flight.waiting -= 1;
    if (flight.waiting > 0) return;
    // Whoever asks from now on must not join work that is being cancelled.
    if (flights.get(key) === flight) flights.delete(key);
    flight.controller.abort(reason);
  }
  return {
    async run(key, work, signal) {
      signal.throwIfAborted();
      const flight = flights.get(key) ?? start(key, work);
      flight.waiting += 1;
      const left = Promise.withResolvers<never>();
      const onAbort = (): void => {
        leave(key, flight, signal.reason);
        left.reject(signal.reason);
      };
      signal.addEventListener('abort', onAbort, { once: true });
      try {
        return await Promise.race([flight.result, left.promise]);
      } finally {
        signal.removeEventListener('abort', onAbort);
      }
    },
  };
}
