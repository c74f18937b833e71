import { StringDecoder } from 'node:string_decoder';
import type { Graph } from '../graph/graph.ts';
import { showLocation } from '../graph/location.ts';
import type { BuildEvent, Happening } from '../progress/event.ts';
import type { Logs } from './logs.ts';

/** Tells a build's events: with times, the place in the definition and the log of what failed. */
export interface Teller {
  readonly tell: (happening: Happening) => void;
  readonly output: (step: string, stream: 'stdout' | 'stderr', bytes: Uint8Array) => void;
}

/** A teller; output goes to the log as bytes and to the watchers as text. */
export function createTeller(
  graph: Graph,
  logs: Logs,
  { now, emit }: { readonly now: () => number; readonly emit: (event: BuildEvent) => void },
): Teller {
  const start = now();
  const decoders = new Map<string, StringDecoder>();
  let places: ReadonlyMap<string, string> | undefined;
  const placeOf = (step: string): string | undefined => {
    places ??= new Map(graph.vertices.flatMap(({ name, location }) => (location ? [[name, showLocation(location)]] : [])));
    return places.get(step);
  };
  return {
    tell(happening) {
      const at = Math.round(now() - start);
      if (happening.type === 'step.finished') logs.close(happening.step);
      if (happening.type !== 'step.failed') return emit({ ...happening, at });
      logs.close(happening.step);
      const [location, log] = [placeOf(happening.step), logs.pathOf(happening.step)];
      emit({ ...happening, at, ...(location !== undefined && { location }), ...(log !== undefined && { log }) });
    },
    output(step, stream, bytes) {
      logs.write(step, bytes);
      const key = `${stream} ${step}`;
      const decoder = decoders.get(key) ?? new StringDecoder('utf8');
      decoders.set(key, decoder);
      const text = decoder.write(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength));
      if (text !== '') emit({ type: 'output', at: Math.round(now() - start), step, stream, text });
    },
  };
}
