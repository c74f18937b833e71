import type { Moment } from '../progress/event.ts';
import type { Clock } from './face.ts';

/** The moment of the build between two events, whatever the origin of the clock. */
export interface BuildTime {
  heard(at: Moment): void;
  now(): Moment;
}

/** Goes on from the last event that was heard. */
export function buildTime(clock: Clock): BuildTime {
  let moment: Moment = 0;
  let read = clock.now();
  return {
    heard(at) {
      moment = Math.max(moment, at);
      read = clock.now();
    },
    now: () => moment + (clock.now() - read),
  };
}
