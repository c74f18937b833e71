import { describe, expect, test } from 'vitest';
import { arCases, debCases } from '../corpus/ar.ts';
import type { Case } from '../corpus/case.ts';
import { cpioCases } from '../corpus/cpio.ts';
import { outcome, readers } from '../corpus/readers.ts';
import { tarCases } from '../corpus/tar.ts';
import { stream } from '../formats/cpio.ts';
import { mutate, randomFrom } from './mutate.ts';

/** Mutated files for each format: `FUZZ_RUNS=50000 FUZZ_SEED=7 vitest run test/fuzz` makes another run. */
const runs = Number(process.env['FUZZ_RUNS'] ?? 1500);
const seed = Number(process.env['FUZZ_SEED'] ?? 1);

/** What a single small input may cost. */
const most = { cpuMs: 1000, memory: 256 * 2 ** 20 };

const bytesOf = (cases: readonly Case[]): readonly Buffer[] =>
  cases.map(([, bytes]) => bytes).filter(({ length }) => length < 20_000);
const cases = { tar: tarCases, cpio: cpioCases, ar: arCases, deb: debCases };

describe.each(['tar', 'cpio', 'ar', 'deb'] as const)('%s', (format) => {
  test(
    `${runs} mutated files are read or refused with a code, quickly and in little memory`,
    { timeout: 60_000 + runs * 5 },
    async () => {
      const random = randomFrom(seed);
      const all = bytesOf(cases[format]);
      const valid = bytesOf(cases[format].filter(([, , expected]) => !expected.startsWith('PK')));
      const pick = (from: readonly Buffer[]): Buffer => from[random(from.length)] ?? Buffer.alloc(0);
      const seen = { read: 0, refused: 0 };
      const before = process.memoryUsage.rss();
      for (let run = 0; run < runs; run++) {
        const bytes = mutate(pick(valid), pick(all), random);
        const started = process.cpuUsage();
        const result = await outcome(readers[format], stream(bytes, 1 + random(2000))).catch((error: unknown) => {
          throw new Error(`run ${run} of seed ${seed}: ${bytes.toString('base64')}`, { cause: error });
        });
        const { user, system } = process.cpuUsage(started);
        expect((user + system) / 1000, `run ${run} of seed ${seed}`).toBeLessThan(most.cpuMs);
        if (/^PK33\d\d$/.test(result)) seen.refused += 1;
        else {
          expect(result).not.toMatch(/^PK/);
          seen.read += 1;
        }
      }
      expect(seen.refused).toBeGreaterThan(runs / 10);
      expect(seen.read).toBeGreaterThan(runs / 100);
      expect(process.memoryUsage.rss() - before).toBeLessThan(most.memory);
    },
  );
});
