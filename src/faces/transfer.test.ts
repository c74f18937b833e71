import { stripVTControlCharacters } from 'node:util';
import { expect, test } from 'vitest';
import { plainTransfers, silentTransfers, ttyTransfers } from './transfer.ts';
import type { Transfer, TransferFace } from './transfer.ts';

const kernel = { id: 'sha256:aaaa', total: 4096 };
const history: readonly Transfer[] = [
  { ...kernel, state: 'begun', bytes: 0 },
  { ...kernel, state: 'progress', bytes: 1024 },
  { id: 'sha256:bbbb', total: 2, state: 'existed', bytes: 2 },
  { ...kernel, state: 'stored', bytes: 4096 },
];

function show(face: TransferFace, transfers = history): void {
  for (const transfer of transfers) face.take(transfer);
  face.end();
}

test('elsewhere than on a terminal, what is over is a line', () => {
  let shown = '';
  show(plainTransfers((text) => (shown += text)));
  expect(shown).toBe('sha256:bbbb  2 B  there already\nsha256:aaaa  4.0 KiB  copied\n');
  show(silentTransfers);
});

test('on a terminal, a bar says how far it is, and nothing runs at the end', () => {
  let shown = '';
  let wide = 60;
  let frame = (): void => undefined;
  const clock = {
    now: () => 0,
    every(_: number, call: () => void) {
      frame = call;
      return () => undefined;
    },
  };
  const face = ttyTransfers({ write: (text) => (shown += text), clock, size: () => ({ columns: wide, rows: 24 }) });
  for (const transfer of history.slice(0, 3)) face.take(transfer);
  frame();
  expect(stripVTControlCharacters(shown)).toContain('sha256:aaaa  [#####                 ] 1.0 KiB of 4.0 KiB');
  expect(shown).toContain('sha256:bbbb  2 B  there already');
  for (const [columns, line] of [
    [80, 'sha256:aaaa  [######                  ] 1.0 KiB of 4.0 KiB'],
    [42, 'sha256:aaaa  [#   ] 1.0 KiB of 4.0 KiB'],
    [40, 'sha256:aaaa  1.0 KiB of 4.0 KiB'],
    [31, 'sha256:aaaa   25% of 4.0 KiB'],
  ] as const) {
    shown = '';
    wide = columns;
    frame();
    expect(stripVTControlCharacters(shown)).toContain(line);
  }
  shown = '';
  show(face, history.slice(3));
  expect(shown).toContain('sha256:aaaa  4.0 KiB  copied');
  expect(shown).not.toContain('[#');
});
