import { expect, test } from 'vitest';
import { openScratch } from './scratch-file.ts';

test('a folder for a while that cannot be written is named, with what to do', () => {
  const told = { code: 'PK3109', message: expect.stringContaining('/dev/null/x'), hint: expect.stringContaining('TMPDIR') };
  expect(() => openScratch('/dev/null/x')).toThrow(expect.objectContaining(told));
});
