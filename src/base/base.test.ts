import { setImmediate } from 'node:timers/promises';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { canonicalJson } from './canonical.ts';
import { isDigest, parseDigest } from './digest.ts';
import { codes } from './errors.ts';
import { createSingleFlight } from './single-flight.ts';

describe('canonical JSON', () => {
  test('means the same, whatever the order of keys, and is a fixed point', () => {
    fc.assert(
      fc.property(fc.jsonValue({ noUnicodeString: false }), (value) => {
        // Integers beyond 2^53 are refused; that is tested below.
        fc.pre(JSON.stringify(value).isWellFormed() && !/e\+|\d{16}/.test(JSON.stringify(value)));
        const text = canonicalJson(value);
        expect(JSON.parse(text)).toEqual(JSON.parse(JSON.stringify(value)));
        expect(canonicalJson(JSON.parse(text))).toBe(text);
        expect(canonicalJson(reversed(value))).toBe(text);
      }),
    );
  });

  test.each([undefined, Number.NaN, Infinity, 2 ** 53, 1n, new Date(0), '\ud800', [undefined], { a: undefined }, new Map()])(
    'refuses %s',
    (value) => {
      expect(() => canonicalJson(value)).toThrow(/canonical|exact/);
    },
  );

  test.each([
    ['a symbol key', { a: 1, [Symbol('b')]: 2 }],
    ['a hidden member', Object.defineProperty({ a: 1 }, 'b', { value: 2 })],
    ['a name on a list', Object.assign([1], { b: 2 })],
    ['a symbol on a list', Object.assign([1], { [Symbol('b')]: 2 })],
    ['a gap in a list that a name makes up for', Object.assign([1], { length: 2, b: 2 })],
    ['deeper ones', { a: [{ [Symbol('b')]: 2 }] }],
  ])('refuses %s', (_, value) => {
    expect(() => canonicalJson(value)).toThrow(/canonical/);
  });

  test('refuses a cycle', () => {
    const value: Record<string, unknown> = {};
    value['self'] = value;
    expect(() => canonicalJson(value)).toThrow(/contains itself/);
  });
});

function reversed(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(reversed);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .toReversed()
      .map(([key, item]) => [key, reversed(item)]),
  );
}

describe('single flight', () => {
  const open = new AbortController().signal;

  test('runs once for all who ask meanwhile, and again afterwards', async () => {
    const flight = createSingleFlight<number>();
    const gate = Promise.withResolvers<void>();
    let runs = 0;
    const work = async (): Promise<number> => {
      runs += 1;
      await gate.promise;
      return runs;
    };
    const all = [1, 2, 3].map(() => flight.run('key', work, open));
    gate.resolve();
    expect(await Promise.all(all)).toEqual([1, 1, 1]);
    expect(await flight.run('key', work, open)).toBe(2);
  });

  test('is cancelled by the last who leaves, and by nobody before', async () => {
    const leavers = fc.uniqueArray(fc.integer({ min: 0, max: 4 }), { maxLength: 5 });
    await fc.assert(
      fc.asyncProperty(leavers, async (order) => {
        const flight = createSingleFlight<string>();
        const gate = Promise.withResolvers<string>();
        let shared: AbortSignal | undefined;
        const callers = Array.from({ length: 5 }, () => new AbortController());
        const results = callers.map((caller) =>
          flight.run(
            'key',
            (signal) => {
              shared = signal;
              return gate.promise;
            },
            caller.signal,
          ),
        );
        const settled = Promise.allSettled(results);
        await Promise.resolve();
        for (const [count, at] of order.entries()) {
          callers[at]?.abort(new Error(`caller ${at} left`));
          expect(shared?.aborted).toBe(count === 4);
        }
        gate.resolve('done');
        const outcomes = await settled;
        outcomes.forEach((outcome, at) => {
          if (order.includes(at)) expect(outcome).toMatchObject({ status: 'rejected', reason: { message: `caller ${at} left` } });
          else expect(outcome).toEqual({ status: 'fulfilled', value: 'done' });
        });
      }),
    );
  });

  test('never lets a newcomer join work that is being cancelled', async () => {
    const flight = createSingleFlight<string>();
    const leaver = new AbortController();
    const first = flight.run('key', () => new Promise(() => undefined), leaver.signal);
    leaver.abort(new Error('left'));
    await expect(first).rejects.toThrow('left');
    expect(await flight.run('key', () => Promise.resolve('fresh'), open)).toBe('fresh');
  });

  test('starts nothing for a sole caller who leaves in the same turn', async () => {
    const flight = createSingleFlight<string>();
    const leaver = new AbortController();
    let started = false;
    const first = flight.run(
      'key',
      () => {
        started = true;
        return Promise.resolve('done');
      },
      leaver.signal,
    );
    leaver.abort(new Error('left'));
    await expect(first).rejects.toThrow('left');
    await setImmediate();
    expect(started).toBe(false);
  });

  test('passes a failure on to all', async () => {
    const flight = createSingleFlight<string>();
    const fail = (): Promise<string> => Promise.reject(new Error('broken'));
    const results = await Promise.allSettled([flight.run('key', fail, open), flight.run('key', fail, open)]);
    expect(results).toMatchObject([{ reason: { message: 'broken' } }, { reason: { message: 'broken' } }]);
  });
});

test.each([
  '',
  'sha256:',
  `sha256:${'a'.repeat(63)}`,
  `sha256:${'A'.repeat(64)}`,
  'sha256:../../etc/passwd',
  `sha512:${'a'.repeat(64)}`,
  `sha256:${'a'.repeat(64)}\n`,
])('the digest %j is refused', (text) => {
  expect(isDigest(text)).toBe(false);
  expect(() => parseDigest(text)).toThrow(expect.objectContaining({ code: 'PK1002' }));
});

test('every code has an exit status and a gRPC status in range', () => {
  for (const fate of Object.values(codes)) {
    expect(fate.exit).toBeGreaterThan(0);
    expect(fate.exit).toBeLessThan(256);
    expect(fate.grpc).toBeGreaterThan(0);
    expect(fate.grpc).toBeLessThan(17);
  }
});
