import { expect, test } from 'vitest';
import { measure, run } from './measure.ts';
import type { Command } from './measure.ts';

/** A process whose runs take these milliseconds, one after another. */
function taking(name: string, ...ms: readonly number[]) {
  let at = 0;
  return { name, command: () => [String(ms[at++ % ms.length])] };
}

const timed = ([ms = '']: Command) => ({ ms: Number(ms), bytes: Number(ms) * 1e6, cpuMs: Number(ms) * 2 });

test('rounds are compared one by one, and the median is held against each goal', () => {
  const goals = { twice: { times: 0.5 }, same: { times: 0.99 }, slower: { moreMs: -10 }, faster: { moreMs: 1.5 } };
  const ours = [{ ...taking('ours', 20, 100, 40), goals }];
  const peers = [
    taking('twice', 40, 400, 50),
    taking('same', 20, 100, 40),
    taking('slower', 30, 111, 49),
    taking('faster', 18, 90, 39),
    taking('last', 10, 10, 10),
  ];
  expect(measure({ ours, peers }, 3, timed)).toEqual([
    ['ours', 'twice', '40 ms', '50 ms', '0.50 × (0.25 × – 0.80 ×)', '≤ 0.5 ×', 'met'],
    ['ours', 'same', '40 ms', '40 ms', '1.00 × (1.00 × – 1.00 ×)', '≤ 0.99 ×', 'missed'],
    ['ours', 'slower', '40 ms', '49 ms', '-10.0 ms (-11.0 ms – -9.0 ms)', '≤ +-10 ms', 'met'],
    ['ours', 'faster', '40 ms', '39 ms', '+2.0 ms (+1.0 ms – +10.0 ms)', '≤ +1.5 ms', 'missed'],
    ['ours', 'last', '40 ms', '10 ms', '4.00 × (2.00 × – 10.00 ×)', 'none', ''],
  ]);
});

test('time, processor time and peak memory have limits of their own', () => {
  const ours = [{ ...taking('ours', 5), limits: { ms: 5, megabytes: 4, cpuMs: 9 } }];
  expect(measure({ ours, peers: [] }, 1, timed)).toEqual([
    ['ours: time', '–', '5 ms', '–', '5 ms (5 ms – 5 ms)', '≤ 5 ms', 'met'],
    ['ours: processor time', '–', '10 ms', '–', '10 ms (10 ms – 10 ms)', '≤ 9 ms', 'missed'],
    ['ours: peak memory', '–', '5 MB', '–', '5 MB (5 MB – 5 MB)', '≤ 4 MB', 'missed'],
  ]);
});

test('rounds take turns, with something between them, and one more to warm up when they are short', () => {
  const order: string[] = [];
  const noted = (name: string) => ({
    name,
    command() {
      order.push(name);
      return ['1'];
    },
  });
  const between = (): void => void order.push('–');
  const one = { prepare: () => void order.push('prepare'), between, ours: [noted('a')], peers: [noted('b')] };
  measure(one, 2, timed);
  expect(order.splice(0).join('')).toBe('prepareab–ab–');
  measure({ ...one, shortRounds: 2 }, 5, timed);
  expect(order.join('')).toBe('prepareab–ab–ab–');
});

test('a process tells what it took by printing it; one that fails ends the run, for a failed one is never fast', () => {
  expect(run(['sh', '-c', 'echo one; echo peak 5000; echo cpu 7; sleep 0.02'])).toMatchObject({ bytes: 5000, cpuMs: 7 });
  expect(run(['sleep', '0.02']).ms).toBeGreaterThan(19);
  expect(() => run(['sh', '-c', 'echo no >&2; exit 3'])).toThrow('no');
});
