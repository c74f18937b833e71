import { expect, test } from 'vitest';
import { digestOf } from '../base/digest.ts';
import type { BuildEvent } from './event.ts';
import { summarize } from './summary.ts';
import { emptyView, foldEvent } from './view.ts';

const [a, b, c] = [digestOf('a'), digestOf('b'), digestOf('c')];

function fold(...events: readonly BuildEvent[]) {
  return events.reduce(foldEvent, emptyView);
}

const story: readonly BuildEvent[] = [
  { type: 'build.started', at: 0, targets: ['rootfs'] },
  { type: 'step.queued', at: 1, step: a, name: 'kernel' },
  { type: 'step.queued', at: 1, step: b, name: 'agent' },
  { type: 'step.queued', at: 1, step: c, name: 'rootfs' },
  { type: 'step.cached', at: 2, step: a },
  { type: 'step.started', at: 3, step: b, reason: 'input', detail: 'src changed' },
  { type: 'transfer', at: 4, step: b, done: 5, total: 10 },
  { type: 'output', at: 5, step: b, stream: 'stdout', text: 'one\ntw' },
  { type: 'output', at: 6, step: b, stream: 'stderr', text: 'o\nthree' },
  { type: 'step.failed', at: 9, step: b, code: 'PK3001', message: 'exit 1' },
  { type: 'step.cancelled', at: 9, step: c },
  { type: 'warning', at: 9, message: 'careful' },
  { type: 'build.finished', at: 10, ok: false },
];

test('a build is told by its events', () => {
  const view = fold(...story);
  expect(view).toMatchObject({ state: 'failed', at: 10, targets: ['rootfs'], warnings: ['careful'] });
  expect([...view.steps.values()].map((row) => [row.name, row.state])).toEqual([
    ['kernel', 'cached'],
    ['agent', 'failed'],
    ['rootfs', 'cancelled'],
  ]);
  expect(view.steps.get(b)).toMatchObject({
    note: 'PK3001: exit 1',
    tail: ['one', 'two', 'three'],
    transfer: { done: 5, total: 10 },
  });
  expect(summarize(view)).toEqual({
    counts: { queued: 0, running: 0, cached: 1, done: 0, failed: 1, cancelled: 1 },
    elapsed: 10,
    slowest: [{ name: 'agent', took: 6 }],
  });
});

test('a view is never changed by what comes after it', () => {
  const before = fold(...story.slice(0, 6));
  const copy = structuredClone(before);
  fold(...story);
  foldEvent(before, { type: 'step.finished', at: 7, step: b });
  expect(before).toEqual(copy);
});

test('events of steps nobody queued are passed over, and output keeps its last lines', () => {
  expect(fold({ type: 'step.finished', at: 1, step: a }).steps.size).toBe(0);
  const text = Array.from({ length: 1000 }, (_, at) => `line ${at}\n`).join('');
  const view = fold(
    { type: 'step.queued', at: 0, step: a, name: 'x' },
    { type: 'output', at: 1, step: a, stream: 'stdout', text },
  );
  expect(view.steps.get(a)?.tail.slice(-2)).toEqual(['line 999', '']);
  expect(view.steps.get(a)?.tail.length).toBe(41);
});
