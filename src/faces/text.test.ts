import { expect, test } from 'vitest';
import { clip, padTo, shownLine, shownLines, widthOf } from './text.ts';

test.each([
  ['', 0],
  ['plain', 5],
  ['é', 1],
  ['e\u0301', 1],
  ['→…│●✓', 5],
  ['漢字', 4],
  ['한국어', 6],
  ['ﾊﾝ', 2],
  ['ＦＷ', 4],
  ['🚀🧱', 4],
  ['⌚', 2],
  ['❤\ufe0f', 2],
  ['𠀀', 2],
])('the width of %j', (line, width) => {
  expect(widthOf(line)).toBe(width);
  expect(clip(line, width)).toBe(line);
  expect(widthOf(padTo(line, width + 3))).toBe(width + 3);
});

test.each([
  ['abcdef', 6, 'abcdef'],
  ['abcdef', 5, 'abcd…'],
  ['abcdef', 1, '…'],
  ['abcdef', 0, ''],
  ['漢字漢字', 5, '漢字…'],
  ['漢字漢字', 4, '漢…'],
  ['🚀🚀', 3, '🚀…'],
])('%j in %i columns', (line, columns, shown) => {
  expect(clip(line, columns)).toBe(shown);
});

test('marks without end on one letter are cut, too', () => {
  const shown = clip(`z${'\u0301'.repeat(100_000)}${'y'.repeat(99)}`, 20);
  expect(shown.length).toBeLessThan(100);
  expect(shown.endsWith('…')).toBe(true);
});

test.each([
  ['\x1b[31mred\x1b[0m', 'red'],
  ['\x1b]8;;https://example.com\x07link\x1b]8;;\x07', 'link'],
  ['\x1b]0;never closed', 'ever closed'],
  ['10 %\r50 %\r', '50 %'],
  ['a\tb', 'a b'],
  ['\0\x07\x7f\x85', '\ufffd\ufffd\ufffd\ufffd'],
  ['\ud800x', '\ufffdx'],
])('%j is shown as %j', (text, shown) => {
  expect(shownLine(text)).toBe(shown);
});

test('text of any length is looked at for a bearable time', () => {
  const began = process.cpuUsage();
  for (const piece of ['\x1b', '\x1b[', '\x1b]0;', '\x9b;', '\r', '漢', 'x']) shownLines(piece.repeat(5_000_000));
  expect(process.cpuUsage(began).user / 1000).toBeLessThan(200);
  expect(shownLine('x'.repeat(5_000_000)).length).toBe(8192);
});
