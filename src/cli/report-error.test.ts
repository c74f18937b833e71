import { expect, test } from 'vitest';
import { PortkitError } from '../base/errors.ts';
import { reportError } from './report-error.ts';

function reported(error: unknown, debug = false): { status: number; lines: readonly string[] } {
  const lines: string[] = [];
  const status = reportError(error, { write: (text) => void lines.push(text), debug });
  return { status, lines };
}

const locked = new PortkitError('PK2004', 'The store is locked', { hint: 'Wait', cause: new Error('busy', { cause: 'kernel' }) });

test('an error of ours: code, message, causes, hint, and no stack', () => {
  expect(reported(locked)).toEqual({
    status: 75,
    lines: ['error[PK2004]: The store is locked', '  = cause: busy', '  = cause: kernel', '  = help: Wait'],
  });
});

test.each([
  ['At the target: nobody answers', new Error('nobody answers')],
  ['x cannot be read: it is a folder (EISDIR)', Object.assign(new Error('EISDIR: read x'), { code: 'EISDIR' })],
])('a cause that the message tells is not told again, but with debug: %s', (message, cause) => {
  const error = new PortkitError('PK3953', message, { cause });
  expect(reported(error).lines).toEqual([`error[PK3953]: ${message}`]);
  expect(reported(error, true).lines[1]).toBe(`  = cause: ${cause.message}`);
});

test('a cause of several lines is told in one', () => {
  const error = new PortkitError('PK4002', 'Malformed', { cause: new Error('Unexpected token, "name:\n  demo"') });
  expect(reported(error).lines[1]).toBe('  = cause: Unexpected token, "name: demo"');
});

test('with debug, also the stack of the error and of each cause', () => {
  const { status, lines } = reported(locked, true);
  expect(status).toBe(75);
  expect(lines.slice(0, 4)).toEqual(reported(locked).lines);
  expect(lines.slice(4)).toEqual([
    expect.stringMatching(/^ {2}= stack: .*The store is locked\n\s+at .*report-error\.test\.ts/),
    expect.stringMatching(/^ {2}= stack: Error: busy\n\s+at .*report-error\.test\.ts/),
  ]);
});

test.each([[new Error('oops')], ['oops']])('anything else is a bug, with a stack only when asked: %s', (error) => {
  expect(reported(error)).toEqual({
    status: 70,
    lines: ['error[PK7001]: oops', expect.stringMatching(/bug in portkit.*--debug/)],
  });
  const debug = reported(error, true);
  expect(debug.status).toBe(70);
  expect(debug.lines.length).toBe(error instanceof Error ? 3 : 2);
});

test('a failure while closing does not hide the failure before it', () => {
  expect(reported(new SuppressedError(new Error('close'), new SuppressedError(new Error('close'), locked)))).toEqual(
    reported(locked),
  );
});

test('causes in a circle end', () => {
  const error = new Error('a');
  error.cause = new Error('b', { cause: error });
  expect(reported(error).lines.length).toBe(4);
});
