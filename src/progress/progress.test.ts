import { expect, test } from 'vitest';
import type { BuildEvent } from './event.ts';
import { summarize } from './summary.ts';
import { emptyView, foldEvent } from './view.ts';

function fold(...events: readonly BuildEvent[]) {
  const view = emptyView();
  for (const event of events) foldEvent(view, event);
  return view;
}

test('a build is told from its events', () => {
  const view = fold(
    { type: 'build.started', at: 0, build: 'b1', targets: ['rootfs'], steps: 9 },
    { type: 'step.cached', at: 2, step: 'kernel', by: 'definition' },
    { type: 'step.queued', at: 1, step: 'agent' },
    { type: 'step.queued', at: 1, step: 'rootfs' },
    { type: 'step.started', at: 3, step: 'agent', reasons: [{ kind: 'input', name: 'src' }] },
    { type: 'transfer', at: 4, step: 'agent', done: 5, total: 10 },
    { type: 'output', at: 5, step: 'agent', stream: 'stdout', text: 'one\ntw' },
    { type: 'output', at: 6, step: 'agent', stream: 'stderr', text: 'o\nthree' },
    { type: 'step.failed', at: 9, step: 'agent', code: 'PK3001', message: 'exit 1' },
    { type: 'step.cancelled', at: 9, step: 'rootfs' },
    { type: 'warning', at: 9, message: 'careful' },
    { type: 'build.finished', at: 10, ok: false },
  );
  expect(view).toMatchObject({ state: 'failed', build: 'b1', at: 10, targets: ['rootfs'], warnings: ['careful'] });
  expect([...view.steps.values()].map((row) => [row.step, row.state])).toEqual([
    ['kernel', 'cached'],
    ['agent', 'failed'],
    ['rootfs', 'cancelled'],
  ]);
  expect(view.steps.get('agent')).toMatchObject({
    failure: { code: 'PK3001', message: 'exit 1' },
    reasons: [{ kind: 'input', name: 'src' }],
    tail: ['one', 'two', 'three'],
    transfer: { done: 5, total: 10 },
  });
  expect(summarize(view)).toEqual({
    counts: { queued: 0, running: 0, cached: 1, done: 0, failed: 1, cancelled: 1 },
    unneeded: 6,
    elapsed: 10,
    slowest: [{ step: 'agent', took: 6 }],
  });
});

test('a face that joins late sees rows, and keeps the last lines only', () => {
  expect(fold({ type: 'step.finished', at: 1, step: 'late' }).steps.get('late')?.state).toBe('done');
  const text = Array.from({ length: 1000 }, (_, at) => `line ${at}\n`).join('');
  const view = fold({ type: 'output', at: 1, step: 'x', stream: 'stdout', text });
  expect(view.steps.get('x')?.tail.slice(-2)).toEqual(['line 999', '']);
  expect(view.steps.get('x')?.tail.length).toBe(41);
});
