import { expect, test } from 'vitest';
import type { BuildEvent } from './event.ts';
import { reasonLines } from './reason-lines.ts';
import { reasonText } from './reason.ts';
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

test('the rows that run and the counts are kept as events come', () => {
  const view = fold(
    { type: 'step.started', at: 1, step: 'a', reasons: [] },
    { type: 'output', at: 1, step: 'a', stream: 'stdout', text: 'gone when it went well\n' },
    { type: 'step.queued', at: 1, step: 'b' },
    { type: 'step.started', at: 2, step: 'c', reasons: [] },
    { type: 'step.started', at: 2, step: 'b', reasons: [] },
    { type: 'step.finished', at: 3, step: 'a' },
  );
  expect([...view.running].map((row) => row.step)).toEqual(['c', 'b']);
  expect(view.counts).toEqual({ queued: 0, running: 2, cached: 0, done: 1, failed: 0, cancelled: 0 });
  expect(view.steps.get('a')?.tail).toEqual([]);
});

test('a line without end costs neither memory nor what is drawn over it', () => {
  const view = emptyView();
  const output = (text: string) => foldEvent(view, { type: 'output', at: 1, step: 'x', stream: 'stdout', text });
  for (let piece = 0; piece < 1000; piece += 1) output('x'.repeat(10_000));
  expect(view.steps.get('x')?.tail).toEqual(['x'.repeat(4096)]);
  for (let percent = 0; percent <= 100; percent += 1) output(`\r${percent} % ${'='.repeat(100)}`);
  output('\nnext');
  expect(view.steps.get('x')?.tail.map((line) => line.split('\r').at(-1))).toEqual([`100 % ${'='.repeat(100)}`, 'next']);
  expect(view.steps.get('x')?.tail[0]?.length).toBeLessThanOrEqual(4096);
});

test.each([
  [[{ kind: 'new' }], 'new'],
  [[{ kind: 'forced' }], 'forced'],
  [[{ kind: 'evicted' }], 'its result was evicted'],
  [[{ kind: 'upstream', name: 'agent', before: 'x', after: 'y' }], 'after agent changed'],
  [
    [{ kind: 'input', name: 'src', before: `sha256:${'a1b2c3d4'.repeat(8)}`, after: `sha256:${'c3d4e5f6'.repeat(8)}` }],
    'input src changed (a1b2c3d4→c3d4e5f6)',
  ],
  [[{ kind: 'input', name: 'src', before: 'x', after: 'y', paths: ['~ a.c', '+ b.c'] }], 'input src changed (~ a.c, + b.c)'],
  [
    [{ kind: 'input', name: 'src', before: 'x', after: 'y', paths: ['~ a.c', '+ b.c', '- c.c'] }],
    'input src changed (~ a.c, + b.c, …)',
  ],
  [[{ kind: 'input', name: 'src', after: 'x' }], 'input src added'],
  [[{ kind: 'input', name: 'src', before: 'x' }], 'input src removed'],
  [[{ kind: 'option', name: 'size', before: '512MiB', after: '1GiB' }], 'option size changed (512MiB→1GiB)'],
  [[{ kind: 'option', name: 'argv', before: '["true"]', after: `["${'x'.repeat(50)}"]` }], 'option argv changed'],
  [[{ kind: 'environment', name: 'TZ', before: 'UTC', after: 'CET' }], 'env TZ changed (UTC→CET)'],
  [[{ kind: 'portkit', before: 'exec/1', after: 'exec/2' }], 'portkit itself changed (exec/1→exec/2)'],
  [
    [
      { kind: 'tool', name: 'cc' },
      { kind: 'input', name: 'a' },
      { kind: 'input', name: 'b' },
      { kind: 'input', name: 'c' },
      { kind: 'input', name: 'd' },
    ],
    'tool cc changed, input a changed, input b changed, and 2 more',
  ],
  [
    [{ kind: 'environment', name: 'A\x1b', before: '\x1b[2J', after: '\n\u202e' }],
    'env A\ufffd changed (\ufffd[2J→\ufffd\ufffd)',
  ],
  [[], ''],
] as const)('the reasons %j in words', (reasons, words) => {
  expect(reasonText(reasons)).toBe(words);
});

test('reasons at length: paths once, long values in full, nothing that steers a terminal', () => {
  const long = `\x1b${'x'.repeat(50)}`;
  expect(
    reasonLines([
      { kind: 'input', name: 'src', before: 'sha256:1', after: 'sha256:2', of: 'tree', paths: ['~ a.c', '+ b.c', '- c\n'] },
      { kind: 'option', name: 'script', before: 'x', after: long },
      { kind: 'forced' },
    ]),
  ).toEqual([
    'input src changed (sha256:1→sha256:2)',
    '    ~ a.c',
    '    + b.c',
    '    - c\ufffd',
    'option script changed',
    '  - x',
    `  + \ufffd${'x'.repeat(50)}`,
    'forced',
  ]);
});
