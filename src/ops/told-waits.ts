import { showDuration } from '../base/units.ts';
import type { Op, OpContext } from '../solver/op.ts';
import type { HttpClient } from './fetch/http.ts';

/** What is lent to ops that ask servers again after a while. */
interface WaitingWorld {
  readonly http: HttpClient;
  sleep(ms: number, signal: AbortSignal): Promise<void>;
}

/** The same ops, which tell before each wait, in their log and to whoever watches: for which servers, and how long. */
export function tellingWaits<Spec, World extends WaitingWorld>(
  make: (spec: Spec, world: World) => Op,
): (spec: Spec, world: World) => Op {
  return (spec, world) => {
    let context: OpContext | undefined;
    const asked = new Set<string>();
    const op = make(spec, {
      ...world,
      http: {
        get(url, request) {
          asked.add(url.host);
          return world.http.get(url, request);
        },
      },
      async sleep(ms, signal) {
        const servers = [...asked];
        asked.clear();
        const line = `${servers.join(', ')}: no usable answer, trying again in ${showDuration(ms)}\n`;
        context?.output('stderr', Buffer.from(line));
        context?.retry?.(servers, Math.round(ms));
        await world.sleep(ms, signal);
      },
    });
    return {
      ...op,
      facts: (given) => op.facts((context = given)),
      run: (inputs, given) => op.run(inputs, (context = given)),
    };
  };
}
