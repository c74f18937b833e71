import { expect, test } from 'vitest';
import { measure } from './measure.ts';
import type { Contender } from './measure.ts';

const node = process.execPath;
const slow = { name: 'slow', command: () => ['sh', '-c', 'sleep 0.03'] };
const quick = (more: Partial<Contender>): Contender => ({ name: 'quick', command: () => ['sh', '-c', ':'], ...more });

test('a case is met or missed by the median against each peer, and without a goal it is only told', () => {
  const goals = { slow: { times: 0.9 }, again: { times: 0.001 }, third: { moreMs: 0 } };
  const peers = [slow, ...['again', 'third', 'last'].map((name) => ({ ...slow, name }))];
  const rows = measure({ ours: [quick({ goals }), { ...slow, goals: { third: { moreMs: -500 } } }], peers }, 3);
  expect(rows.slice(0, 4).map((row) => row.slice(5))).toEqual([
    ['≤ 0.9 ×', 'met'],
    ['≤ 0.001 ×', 'missed'],
    ['≤ +0 ms', 'met'],
    ['none', ''],
  ]);
  expect(rows[0]?.[4]).toMatch(/^0\.\d\d × \(0\.\d\d × – 0\.\d\d ×\)$/);
  expect(rows[6]?.[6]).toBe('missed');
});

test('the peak of memory that a program prints is held against its limit', () => {
  const command = (): readonly string[] => [node, '-e', 'console.log("peak 5000000")'];
  const [time, memory] = measure({ ours: [quick({ command, limits: { ms: 60_000, megabytes: 4 } })], peers: [] }, 1);
  expect(time?.slice(5)).toEqual(['≤ 60000 ms', 'met']);
  expect(memory).toEqual(['quick: peak memory', '–', '5 MB', '–', '5 MB (5 MB – 5 MB)', '≤ 4 MB', 'missed']);
});

test('rounds take turns, with something between them, and one more to warm up when they are short', () => {
  const order: string[] = [];
  const noted = (name: string) => ({
    name,
    command() {
      order.push(name);
      return ['true'];
    },
  });
  const between = (): void => void order.push('–');
  const one = { prepare: () => void order.push('prepare'), between, ours: [noted('a')], peers: [noted('b')] };
  measure(one, 2);
  expect(order.splice(0).join('')).toBe('prepareab–ab–');
  measure({ ...one, shortRounds: 2 }, 5);
  expect(order.join('')).toBe('prepareab–ab–ab–');
});

test('a command that fails ends the run, for a failed one is never fast', () => {
  expect(() => measure({ ours: [quick({ command: () => ['sh', '-c', 'echo no >&2; exit 3'] })], peers: [] }, 1)).toThrow('no');
});
