import { expect, test } from 'vitest';
import { createClock, failing, tell } from '../../test/faces/story.ts';
import type { BuildEvent } from '../progress/event.ts';
import type { FaceKind } from './choose.ts';
import { createFace } from './create.ts';

function open(kind: FaceKind = 'plain', colors = false) {
  const clock = createClock();
  let text = '';
  const face = createFace(kind, { write: (more) => (text += more), clock, colors, size: () => ({ columns: 80, rows: 24 }) });
  return { clock, face, text: () => text };
}

function told(events: readonly BuildEvent[], kind?: 'plain' | 'quiet'): string {
  const { clock, face, text } = open(kind);
  tell(face, clock, events);
  face.end();
  expect(clock.timers()).toBe(0);
  return text();
}

test('a build that fails', () => {
  expect(told(failing)).toBe(`agent: started: input src changed (a1b2c3d4→c3d4e5f6)
agent: done in 1.2 s
rootfs: started: after agent changed
rootfs: failed after 0.3 s
error[PK3101]: step rootfs: cp exited with status 1
  --> portkit.toml:12:1
   |
   | copying
   | cp: agent: not
   |  a file
   |
   = help: The log has all it wrote
   = log: /cache/logs/rootfs.log
failed: built 1 of 12 steps in 1.5 s: 9 cached, 1 failed (rootfs), 1 not finished; slowest: agent 1.2 s, rootfs 0.3 s
`);
});

test('a step that waits for a server says so, whatever its name', () => {
  const waits = { type: 'retry', at: 20, step: 'kernel', servers: ['one.example', 'two\u001b[1m.example'], ms: 2000 } as const;
  expect(told([{ type: 'build.started', at: 0, build: 'b', targets: ['kernel'], steps: 1 }, waits])).toContain(
    'kernel: one.example, two.example: no usable answer, trying again in 2.0 s\n',
  );
});

test('quiet: the failure and nothing else', () => {
  expect(told([...failing, { type: 'warning', at: 1530, message: 'no lock\nfile' }], 'quiet')).toBe(
    `error[PK3101]: step rootfs: cp exited with status 1
  --> portkit.toml:12:1
   |
   | copying
   | cp: agent: not
   |  a file
   |
   = help: The log has all it wrote
   = log: /cache/logs/rootfs.log
warning: no lock
  file
`,
  );
  expect(told(failing.slice(0, 14), 'quiet')).toBe('');
});

test('a build in which everything was known is one line', () => {
  expect(
    told([
      { type: 'build.started', at: 0, build: 'b', targets: ['a'], steps: 12 },
      { type: 'step.cached', at: 30, step: 'a', by: 'definition' },
      { type: 'build.finished', at: 60, ok: true },
    ]),
  ).toBe('built 0 of 12 steps in 0.1 s: 12 cached\n');
});

test('a build that was cancelled says so of what ran, and counts the rest', () => {
  expect(
    told([
      { type: 'build.started', at: 0, build: 'b', targets: ['a'], steps: 3 },
      { type: 'step.started', at: 5, step: 'a', reasons: [{ kind: 'new' }] },
      { type: 'warning', at: 6, message: 'Cancelling' },
      { type: 'step.cancelled', at: 5005, step: 'a' },
      { type: 'step.cancelled', at: 5006, step: 'b' },
      { type: 'build.finished', at: 5010, ok: false },
    ]),
  ).toBe(`a: started: new
warning: Cancelling
a: cancelled after 5.0 s
stopped: built 0 of 3 steps in 5.0 s: 2 not finished, 1 warning; slowest: a 5.0 s
`);
  expect(told([])).toBe('');
});

test('every 30 seconds it says what still runs, and nothing when nothing does', () => {
  const { clock, face, text } = open();
  clock.advance(60_000);
  expect(text()).toBe('');
  face.take({ type: 'build.started', at: 100, build: 'b', targets: ['a'], steps: 9 });
  for (const step of ['k', 'l', 'm', 'n', 'o', 'p'])
    face.take({ type: 'step.started', at: 100, step, reasons: [{ kind: 'new' }] });
  face.take({ type: 'transfer', at: 100, step: 'k', done: 2 ** 20, total: 10 * 2 ** 20 });
  face.take({ type: 'transfer', at: 100, step: 'l', done: 512 });
  const before = text().length;
  clock.advance(60_000);
  const rest = 'm (30.0 s), n (30.0 s), o (30.0 s), and 1 more\n';
  expect(text().slice(before)).toBe(
    `still running: k (30.0 s, 1.0 MiB of 10.0 MiB (10 %)), l (30.0 s, 512 B), ${rest}` +
      `still running: k (1 m 00 s, 1.0 MiB of 10.0 MiB (10 %)), l (1 m 00 s, 512 B), ${rest.replaceAll('30.0 s', '1 m 00 s')}`,
  );
});

test('a failed step shows its last 40 lines, cut to a bearable width', () => {
  const output = Array.from({ length: 1000 }, (_, at) => `line ${at}\n`).join('');
  const text = told([
    { type: 'step.started', at: 0, step: 'a', reasons: [] },
    ...output.match(/[^]{1,17}/g)!.map((text): BuildEvent => ({ type: 'output', at: 1, step: 'a', stream: 'stdout', text })),
    { type: 'output', at: 1, step: 'a', stream: 'stdout', text: 'x'.repeat(5_000_000) },
    { type: 'step.failed', at: 2, step: 'a', code: 'PK3101', message: 'no' },
  ]);
  const shown = text.split('\n').filter((line) => line.startsWith('   | '));
  expect(shown).toHaveLength(40);
  expect(shown[0]).toBe('   | line 961');
  expect(shown[39]).toBe(`   | ${'x'.repeat(499)}…`);
});

test('reasons of any length are cut', () => {
  const reasons = [{ kind: 'input', name: 'n'.repeat(10_000) }] as const;
  expect(told([{ type: 'step.started', at: 0, step: 'a', reasons }])).toBe(`a: started: input ${'n'.repeat(153)}…\n`);
});

test('hostile text is shown and obeyed nowhere', () => {
  const evil = '\x1b]0;owned\x07\x1b[2J\x9b31mred\x1b[0m \u202egnp.exe\b\b\x00\u2028\ud800';
  const text = told([
    { type: 'build.started', at: 0, build: evil, targets: [evil], steps: 1 },
    { type: 'warning', at: 0, message: evil },
    { type: 'step.started', at: 0, step: `s${evil}`, reasons: [{ kind: 'option', name: evil, before: '\n\n', after: evil }] },
    { type: 'output', at: 1, step: `s${evil}`, stream: 'stdout', text: `${evil}\nold\rnew\r\n${evil}` },
    { type: 'step.failed', at: 2, step: `s${evil}`, code: evil, message: evil, hint: evil, location: evil, log: evil },
    { type: 'build.finished', at: 3, ok: false },
  ]);
  expect(text.replaceAll('\n', '')).not.toMatch(/\p{Cc}|\p{Bidi_Control}|\p{Cs}|\p{Zl}/u);
  expect(text.split('\n')).toContain('   | new');
  expect(text).toContain('red �gnp.exe');
});

test('colours only where they are wanted', () => {
  const { clock, face, text } = open('plain', true);
  tell(face, clock, failing);
  expect(text()).toContain('\x1b[31merror[PK3101]\x1b[39m: step \x1b[1mrootfs\x1b[22m');
});

test.each([
  ['plain', 20_001],
  ['quiet', 0],
  ['json', 40_001],
  ['tty', 10_001],
] as const)('10,000 steps are told in less than 100 ms: %s', (kind, lines) => {
  const names = Array.from({ length: 10_000 }, (_, at) => `step ${at}`);
  const events: BuildEvent[] = [{ type: 'build.started', at: 0, build: 'b', targets: [], steps: 10_000 }];
  for (const [at, step] of names.entries()) {
    events.push({ type: 'step.queued', at, step }, { type: 'step.started', at, step, reasons: [{ kind: 'new' }] });
    events.push({ type: 'output', at, step, stream: 'stdout', text: 'a line\n' }, { type: 'step.finished', at: at + 1, step });
  }
  // Time of this process and not of the wall, and the best of three: the machine may be busy with other tests.
  const times = Array.from({ length: 3 }, () => {
    const { face, text } = open(kind);
    const began = process.cpuUsage();
    for (const event of events) face.take(event);
    face.end();
    const { user, system } = process.cpuUsage(began);
    expect(text().split('\n').length).toBe(lines + 1);
    return (user + system) / 1000;
  });
  expect(Math.min(...times)).toBeLessThan(100);
});
