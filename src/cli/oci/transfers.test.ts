import { expect, test } from 'vitest';
import type { Transfer } from '../../faces/transfer.ts';
import { countedIn } from './transfers.ts';

test('what passes stays as it is, and is counted', async () => {
  const told: Transfer[] = [];
  async function* content(): AsyncGenerator<Uint8Array> {
    yield Buffer.from('abc');
    yield Buffer.from('de');
  }
  const passed = await Array.fromAsync(countedIn({ take: (one) => void told.push(one) }, { id: 'x', total: 5 }, content()));
  expect(Buffer.concat(passed).toString()).toBe('abcde');
  expect(told.map(({ state, bytes, total }) => [state, bytes, total])).toEqual([
    ['begun', 0, 5],
    ['progress', 3, 5],
    ['progress', 5, 5],
  ]);
});
