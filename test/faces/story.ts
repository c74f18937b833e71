import type { BuildEvent } from '../../src/progress/event.ts';
import type { Clock } from '../../src/faces/face.ts';

/** A clock that stands until the test moves it; timers fire as it passes them. */
export interface FakeClock extends Clock {
  advance(milliseconds: number): void;
  /** Timers that nobody has stopped. */
  timers(): number;
}

/** A clock whose origin is not that of the build. */
export function createClock(): FakeClock {
  let now = 987_654;
  const timers = new Set<{ readonly every: number; next: number; readonly call: () => void }>();
  return {
    now: () => now,
    every(milliseconds, call) {
      const timer = { every: milliseconds, next: now + milliseconds, call };
      timers.add(timer);
      return () => timers.delete(timer);
    },
    advance(milliseconds) {
      const until = now + milliseconds;
      for (;;) {
        const due = [...timers].filter((timer) => timer.next <= until).toSorted((a, b) => a.next - b.next)[0];
        if (due === undefined) break;
        now = due.next;
        due.next += due.every;
        due.call();
      }
      now = until;
    },
    timers: () => timers.size,
  };
}

/** Twelve steps: one is built after a change, one fails, one is held back by that, the others were known. */
export const failing: readonly BuildEvent[] = [
  { type: 'build.started', at: 0, build: 'b1', targets: ['image'], steps: 12 },
  ...Array.from({ length: 9 }, (_, at): BuildEvent => ({ type: 'step.cached', at: 1, step: `s${at}`, by: 'definition' })),
  { type: 'step.queued', at: 2, step: 'agent' },
  {
    type: 'step.started',
    at: 3,
    step: 'agent',
    reasons: [{ kind: 'input', name: 'src', before: `sha256:${'a1b2c3d4'.repeat(8)}`, after: `sha256:${'c3d4e5f6'.repeat(8)}` }],
  },
  { type: 'output', at: 40, step: 'agent', stream: 'stdout', text: 'cc -static agent.c\n' },
  { type: 'step.finished', at: 1203, step: 'agent' },
  { type: 'step.queued', at: 1204, step: 'rootfs' },
  { type: 'step.started', at: 1210, step: 'rootfs', reasons: [{ kind: 'upstream', name: 'agent' }] },
  { type: 'output', at: 1300, step: 'rootfs', stream: 'stdout', text: 'copying\n' },
  { type: 'output', at: 1310, step: 'rootfs', stream: 'stderr', text: 'cp: agent: not\n a file' },
  {
    type: 'step.failed',
    at: 1510,
    step: 'rootfs',
    code: 'PK3101',
    message: 'cp exited with status 1',
    hint: 'The log has all it wrote',
    location: 'portkit.toml:12:1',
    log: '/cache/logs/rootfs.log',
  },
  { type: 'step.cancelled', at: 1511, step: 'image' },
  { type: 'build.finished', at: 1520, ok: false },
];

/** The stories of a face, told to it at their moments. */
export function tell(face: { take(event: BuildEvent): void }, clock: FakeClock, events: readonly BuildEvent[]): void {
  let at = 0;
  for (const event of events) {
    clock.advance(Math.max(0, event.at - at));
    at = Math.max(at, event.at);
    face.take(event);
  }
}
