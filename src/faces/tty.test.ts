import { expect, test } from 'vitest';
import { createClock, failing, tell } from '../../test/faces/story.ts';
import { createTerminal } from '../../test/faces/terminal.ts';
import type { BuildEvent } from '../progress/event.ts';
import { createFace } from './create.ts';

/** A face on a terminal; `writes` are the frames, after each of which the terminal must be whole. */
function open({ columns = 60, rows = 24, colors = false } = {}) {
  const clock = createClock();
  const terminal = createTerminal(columns, rows);
  const writes: string[] = [];
  const write = (text: string) => {
    writes.push(text);
    terminal.write(text);
    expect(terminal.modes).toEqual({ wrap: true, cursor: true });
  };
  const face = createFace('tty', { write, clock, colors, size: () => terminal.size() });
  return { clock, terminal, face, writes };
}

const running: readonly BuildEvent[] = [
  { type: 'build.started', at: 0, build: 'b', targets: ['image'], steps: 9 },
  { type: 'step.cached', at: 1, step: 'base', by: 'definition' },
  { type: 'step.started', at: 10, step: 'agent', reasons: [{ kind: 'input', name: 'src' }] },
  { type: 'step.started', at: 10, step: 'kernel', reasons: [{ kind: 'new' }] },
  { type: 'transfer', at: 20, step: 'kernel', done: 3 * 2 ** 20, total: 12 * 2 ** 20 },
  { type: 'output', at: 30, step: 'agent', stream: 'stdout', text: 'cc a.c\ncc b.c\n' },
];

test('a build, frame after frame', () => {
  const { clock, terminal, face, writes } = open();
  tell(face, clock, running);
  expect(writes).toEqual([]);
  clock.advance(1000);
  expect(terminal.lines()).toEqual([
    '● agent                      1.0 s  input src changed',
    '  │ cc b.c',
    '● kernel                     1.0 s  3.0 MiB of 12.0 MiB (2…',
    '1.0 s: 0 of 9 built, 2 running, 1 cached',
  ]);
  face.take({ type: 'step.finished', at: 1100, step: 'kernel' });
  face.take({ type: 'warning', at: 1100, message: 'The lock is old' });
  clock.advance(100);
  expect(terminal.lines()).toEqual([
    '✓ kernel                     1.1 s  new',
    'warning: The lock is old',
    '● agent                      1.2 s  input src changed',
    '  │ cc a.c',
    '  │ cc b.c',
    '1.2 s: 1 of 9 built, 1 running, 1 cached',
  ]);
  face.take({ type: 'step.cancelled', at: 1250, step: 'agent' });
  face.take({ type: 'step.cancelled', at: 1250, step: 'image' });
  face.end();
  expect(terminal.lines()).toEqual([
    '✓ kernel                     1.1 s  new',
    'warning: The lock is old',
    '- agent                      1.2 s  cancelled',
    'stopped: built 1 of 9 steps in 1.3 s: 1 cached, 2 not finish',
    'ed, 1 warning; slowest: agent 1.2 s, kernel 1.1 s',
  ]);
  expect(clock.timers()).toBe(0);
});

test('a step that waits for a server before it has a line gets one', () => {
  const { clock, terminal, face } = open();
  tell(face, clock, running.slice(0, 1));
  face.take({ type: 'retry', at: 20, step: 'kernel', servers: ['one.example'], ms: 500 });
  face.take({ type: 'step.started', at: 30, step: 'kernel', reasons: [{ kind: 'new' }] });
  face.take({ type: 'retry', at: 40, step: 'kernel', servers: ['one.example'], ms: 700 });
  face.take({ type: 'output', at: 40, step: 'kernel', stream: 'stderr', text: 'waiting\n' });
  clock.advance(100);
  expect(terminal.lines().slice(0, 3)).toEqual([
    'kernel: one.example: no usable answer, trying again in 0.5 s',
    expect.stringMatching(/^● kernel /),
    '  │ waiting',
  ]);
});

test('a line that becomes shorter and a step that needs no line leave nothing behind', () => {
  const { clock, terminal, face } = open();
  tell(face, clock, running);
  clock.advance(100);
  face.take({ type: 'output', at: 130, step: 'agent', stream: 'stdout', text: 'a line of some length\n' });
  clock.advance(100);
  face.take({ type: 'output', at: 230, step: 'agent', stream: 'stdout', text: 'short\n' });
  clock.advance(100);
  expect(terminal.lines()).toContain('  │ short');
  face.take({ type: 'step.cached', at: 330, step: 'agent', by: 'content' });
  clock.advance(100);
  expect(terminal.lines()).toEqual([
    '● kernel                     0.4 s  3.0 MiB of 12.0 MiB (2…',
    '0.4 s: 0 of 9 built, 1 running, 2 cached',
  ]);
});

test('what the user types at the end of the screen is drawn over', () => {
  const { clock, terminal, face } = open();
  tell(face, clock, running);
  clock.advance(100);
  terminal.write('^C');
  clock.advance(100);
  expect(terminal.lines().join('\n')).not.toContain('^C');
  terminal.write('^C^C^C^C^C^C^C^C^C');
  for (let warnings = 0; warnings < 9; warnings += 1) face.take({ type: 'warning', at: 200, message: '' });
  clock.advance(100);
  expect(terminal.lines().join('\n')).not.toContain('^C');
});

test('a failure stays, with its output, and the live lines are gone', () => {
  const { clock, terminal, face } = open({ columns: 120 });
  tell(face, clock, failing);
  face.end();
  expect(terminal.lines()).toEqual([
    '✓ agent                      1.2 s  input src changed (a1b2c3d4→c3d4e5f6)',
    '✗ rootfs                     0.3 s',
    'error[PK3101]: step rootfs: cp exited with status 1',
    '  --> portkit.toml:12:1',
    '   |',
    '   | copying',
    '   | cp: agent: not',
    '   |  a file',
    '   |',
    '   = help: The log has all it wrote',
    '   = log: /cache/logs/rootfs.log',
    'failed: built 1 of 12 steps in 1.5 s: 9 cached, 1 failed (rootfs), 1 not finished; slowest: agent 1.2 s, rootfs 0.3 s',
  ]);
});

test('one write for a frame, ten frames a second, none when nothing changed, whatever the events', () => {
  const { clock, face, writes } = open();
  face.take({ type: 'build.started', at: 0, build: 'b', targets: [], steps: 500 });
  clock.advance(100);
  const waiting = writes.length;
  // The first frame says 0.1 s, and nothing but the time can change.
  clock.advance(300);
  expect(writes.length - waiting).toBe(3);
  for (let at = 0; at < 500; at += 1) {
    clock.advance(2);
    face.take({ type: 'step.started', at: 400 + 2 * at, step: `s${at}`, reasons: [] });
    face.take({ type: 'step.finished', at: 400 + 2 * at, step: `s${at}` });
  }
  expect(writes.length - waiting).toBe(13);
  face.take({ type: 'build.finished', at: 1400, ok: true });
  clock.advance(100);
  const over = writes.length;
  clock.advance(10_000);
  expect(writes.length).toBe(over);
});

test('a build that is known at once is a single line', () => {
  const { clock, terminal, face, writes } = open();
  tell(face, clock, [
    { type: 'build.started', at: 0, build: 'b', targets: ['a'], steps: 1 },
    { type: 'step.cached', at: 30, step: 'a', by: 'definition' },
    { type: 'build.finished', at: 60, ok: true },
  ]);
  face.end();
  expect(terminal.lines()).toEqual(['built 0 of 1 step in 0.1 s: 1 cached']);
  expect(writes.length).toBe(1);
});

test('lines that fit, whatever is in them: wide letters, marks, names and output of any length', () => {
  const names = ['漢字'.repeat(30), '🚀🧱'.repeat(30), 'e\u0301'.repeat(100), 'x'.repeat(10_000), `z${'\u0301'.repeat(10_000)}`];
  for (const columns of [1, 2, 3, 20, 21, 80]) {
    const { clock, terminal, face } = open({ columns });
    face.take({ type: 'build.started', at: 0, build: 'b', targets: [], steps: 9 });
    for (const step of names) {
      face.take({ type: 'step.started', at: 0, step, reasons: [{ kind: 'option', name: '語'.repeat(99) }] });
      face.take({ type: 'output', at: 0, step, stream: 'stdout', text: '한'.repeat(5000) });
    }
    for (let frame = 0; frame < 5; frame += 1) clock.advance(100);
    // Were a line folded, the next frame would not find its beginning, and old ones would pile up.
    expect(terminal.lines().length).toBeLessThanOrEqual(names.length * 2 + 1);
    for (const step of names) face.take({ type: 'step.cancelled', at: 600, step });
  }
});

test('more steps than lines: the rest is counted, and the terminal never scrolls', () => {
  for (const rows of [1, 2, 3, 4, 7, 24]) {
    const { clock, terminal, face } = open({ rows });
    face.take({ type: 'build.started', at: 0, build: 'b', targets: [], steps: 99 });
    for (let at = 0; at < 40; at += 1) face.take({ type: 'step.started', at: 0, step: `s${at}`, reasons: [] });
    clock.advance(100);
    const lines = terminal.lines();
    expect(lines.length).toBe(Math.max(1, Math.min(rows - 1, 16)));
    expect(lines.at(-1)).toBe('0.1 s: 0 of 99 built, 40 running');
    const steps = lines.filter((line) => line.startsWith('●')).length;
    if (rows > 2) expect(lines.at(-2)).toBe(`  and ${40 - steps} more`);
  }
});

test('a terminal that becomes narrower or wider keeps no rests of old frames', () => {
  const { clock, terminal, face } = open({ columns: 60 });
  tell(face, clock, running);
  face.take({ type: 'step.started', at: 40, step: 'long', reasons: [{ kind: 'option', name: 'argv'.repeat(20) }] });
  for (const columns of [60, 31, 17, 44, 120, 25]) {
    terminal.resize(columns);
    clock.advance(100);
    const heads = terminal.lines().filter((line) => line.startsWith('●'));
    expect(heads.map((line) => line.slice(0, 5))).toEqual(['● age', '● ker', '● lon']);
    expect(terminal.lines()).toHaveLength(5);
    for (const line of terminal.lines()) expect(line.length).toBeLessThan(columns);
  }
});

test('a terminal that does not know its size gets 80 columns', () => {
  const writes: string[] = [];
  const clock = createClock();
  const world = { write: (text: string) => void writes.push(text), clock, colors: false };
  const face = createFace('tty', { ...world, size: () => ({ columns: 0, rows: 0 }) });
  tell(face, clock, running);
  clock.advance(1000);
  expect(writes.join('')).toContain('● kernel                     1.0 s  3.0 MiB of 12.0 MiB (25 %)');
});

test('hostile text never steers the terminal', () => {
  const evil = '\x1b]0;owned\x07\x1b[2J\x1b[9999A\x9b31m\x1bc\x1b[?1049h\b\u202e\x0e\x05';
  // The terminal of the test throws at every control that the face has no reason to send.
  const { clock, terminal, face } = open({ columns: 200 });
  face.take({ type: 'build.started', at: 0, build: evil, targets: [evil], steps: 1 });
  for (const step of ['a', `${evil}b`]) {
    face.take({ type: 'step.started', at: 0, step, reasons: [{ kind: 'tool', name: evil, before: evil, after: '\n' }] });
    for (const text of evil) face.take({ type: 'output', at: 1, step, stream: 'stdout', text });
    face.take({ type: 'output', at: 1, step, stream: 'stdout', text: `${evil}\n10 %\r20 %` });
    clock.advance(100);
    face.take({ type: 'step.failed', at: 200, step, code: evil, message: evil, hint: evil, location: evil, log: evil });
  }
  face.take({ type: 'warning', at: 2, message: evil });
  face.end();
  expect(terminal.lines()).toContain('   | 20 %');
});

test('colours change nothing but the colours', () => {
  const screens = [false, true].map((colors) => {
    const { clock, terminal, face, writes } = open({ colors });
    tell(face, clock, failing);
    face.end();
    // oxlint-disable-next-line no-control-regex -- colours are what is counted
    expect(/\x1b\[[\d;]*m/.test(writes.join(''))).toBe(colors);
    return terminal.lines();
  });
  expect(screens[1]).toEqual(screens[0]);
});
