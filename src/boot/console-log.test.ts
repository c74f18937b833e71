import { expect, test } from 'vitest';
import { followConsole } from './console-log.ts';

test('what a console is written to is closed when the console breaks', async () => {
  let closed = 0;
  const sink = { write: () => Promise.resolve(), close: () => Promise.resolve(void (closed += 1)) };
  async function* broken(): AsyncGenerator<Uint8Array> {
    yield Buffer.from('Linux version');
    throw new Error('cut');
  }
  const log = followConsole(broken(), sink);
  await expect(log.ended).rejects.toThrow('cut');
  expect(closed).toBe(1);
  expect(log.said('Linux')).toBe(true);
});
