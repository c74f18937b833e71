import { expect, test } from 'vitest';
import { createClock, failing } from '../../test/faces/story.ts';
import type { BuildEvent } from '../progress/event.ts';
import { autoFace } from './choose.ts';
import { createFace } from './create.ts';

function told(events: readonly BuildEvent[]): readonly string[] {
  const writes: string[] = [];
  const world = { write: (text: string) => void writes.push(text), clock: createClock(), colors: true };
  const face = createFace('json', { ...world, size: () => ({ columns: 80, rows: 24 }) });
  for (const event of events) face.take(event);
  face.end();
  return writes;
}

test('every event is one line that gives the event back', () => {
  const lines = told(failing);
  expect(lines.map((line) => JSON.parse(line))).toEqual(failing.map((event) => ({ v: 1, ...event })));
  expect(lines[1]).toBe('{"v":1,"type":"step.cached","at":1,"step":"s0","by":"definition"}\n');
  expect(lines.every((line) => line.indexOf('\n') === line.length - 1)).toBe(true);
});

test('no string reaches a terminal, a line reader or a decoder as anything but text', () => {
  const text = Array.from({ length: 0x2100 }, (_, code) => String.fromCharCode(code)).join('') + '\u2066\ud800\udbff🚀';
  const event = { type: 'output', at: 1, step: text, stream: 'stderr', text: 'no end' } as const;
  const [line = ''] = told([event]);
  expect(JSON.parse(line)).toEqual({ v: 1, ...event });
  expect(line.trimEnd()).not.toMatch(/\p{Cc}|\p{Bidi_Control}|\p{Cs}|\p{Zl}|\p{Zp}/u);
});

test('the face of its own choice', () => {
  const terminal = { isTty: true, ci: undefined, term: 'xterm-256color' };
  expect(autoFace(terminal)).toBe('tty');
  expect(autoFace({ ...terminal, ci: 'false' })).toBe('tty');
  expect(autoFace({ ...terminal, ci: 'true' })).toBe('plain');
  expect(autoFace({ ...terminal, isTty: false })).toBe('plain');
  for (const term of ['dumb', '', undefined]) expect(autoFace({ ...terminal, term })).toBe('plain');
});
