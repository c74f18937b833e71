import { expect, test } from 'vitest';
import { PortkitError } from '../base/errors.ts';
import { reportError } from './report-error.ts';

function reported(error: unknown): { status: number; lines: readonly string[] } {
  const lines: string[] = [];
  const status = reportError(error, (text) => lines.push(text));
  return { status, lines };
}

test('an error of ours: code, message, causes, hint, and no stack', () => {
  const error = new PortkitError('PK2004', 'The store is locked', { hint: 'Wait', cause: new Error('busy') });
  expect(reported(error)).toEqual({
    status: 75,
    lines: ['error[PK2004]: The store is locked', '  = cause: busy', '  = help: Wait'],
  });
});

test.each([[new Error('oops')], ['oops']])('anything else is a bug, with its stack: %s', (error) => {
  const { status, lines } = reported(error);
  expect(status).toBe(70);
  expect(lines[0]).toMatch(/^error\[PK7001\]: .*oops/);
  expect(lines.at(-1)).toContain('bug in portkit');
  expect(lines[0]?.includes('report-error.test.ts')).toBe(error instanceof Error);
});
