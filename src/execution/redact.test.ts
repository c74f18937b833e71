import { expect, test } from 'vitest';
import fc from 'fast-check';
import { createRedactor } from './redact.ts';

function redact(secrets: readonly string[], chunks: readonly string[]): string {
  let shown = '';
  const redactor = createRedactor(
    secrets.map((secret) => Buffer.from(secret)),
    (bytes) => (shown += Buffer.from(bytes).toString()),
  );
  for (const chunk of chunks) redactor.take(Buffer.from(chunk));
  redactor.end();
  return shown;
}

test('secrets are hidden, also in pieces, next to each other, and without their line end', () => {
  expect(redact(['hunter2\n'], ['a hunter2\nhun', 'te', 'r2 hunter', '!'])).toBe('a ****** hunter!');
  expect(redact(['hunter2', 'hunter2-long'], ['hunter2-longhunter2hunter2-lon'])).toBe('*********-lon');
  expect(redact(['abc'], ['abc'])).toBe('abc');
});

test('whatever the pieces, no secret is shown and nothing else is lost', () => {
  const text = fc.stringMatching(/^[ab]{0,12}$/);
  const parts = fc.array(fc.oneof(text, fc.constant('abba')), { maxLength: 12 });
  fc.assert(
    fc.property(parts, fc.array(fc.nat(40), { maxLength: 8 }), (pieces, cuts) => {
      const whole = pieces.join('');
      const at = [0, ...cuts.map((cut) => Math.min(cut, whole.length)).toSorted((a, b) => a - b), whole.length];
      const chunks = at.slice(1).map((end, index) => whole.slice(at[index], end));
      expect(redact(['abba'], chunks)).toBe(whole.replaceAll('abba', '***'));
    }),
    { numRuns: 300 },
  );
});
