import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { digestOf } from '../base/digest.ts';
import { createMemoryStore } from '../store/memory.ts';
import { fetchOp } from './fetch.ts';
import type { FetchWorld } from './fetch.ts';
import { tellingWaits } from './told-waits.ts';

const scratch = mkdtempSync(join(tmpdir(), 'portkit-waits-'));
afterAll(() => rmSync(scratch, { recursive: true }));

test.each(['run', 'facts'] as const)('a fetch step says whom it waits for, and how long, in its %s', async (phase) => {
  const slept: number[] = [];
  const world: FetchWorld = {
    blobs: createMemoryStore(),
    unxz: (content) => content,
    readKey: () => Promise.reject(new Error('there are no keys')),
    http: { get: () => Promise.reject(Object.assign(new Error('no'), { code: 'ECONNREFUSED' })) },
    scratch,
    now: () => 0,
    jitter: () => 1,
    sleep: (ms) => Promise.resolve(void slept.push(ms)),
    ...(phase === 'facts' && { pin: { get: () => undefined, set: () => undefined } }),
  };
  const said: string[] = [];
  const output = (_: string, bytes: Uint8Array) => void said.push(Buffer.from(bytes).toString());
  const told: unknown[] = [];
  const retry = (...about: readonly unknown[]) => void told.push(about);
  const context = { signal: new AbortController().signal, output, transfer: () => undefined, retry };
  const spec = { type: 'fetch', url: 'https://user:secret@one.example/f', mirrors: ['https://two.example:8443/f'] } as const;
  const op = tellingWaits(fetchOp)(phase === 'run' ? { ...spec, digest: digestOf('x') } : spec, world);
  expect(op).toMatchObject({ code: 'fetch/1', pool: 'network' });
  if (phase === 'facts') await op.facts(context);
  expect(await op.run([], context)).toMatchObject({ ok: false, failure: { code: 'PK3201' } });
  expect(slept).toEqual([500, 1000, 2000, 4000]);
  expect(told).toEqual(slept.map((ms) => [['one.example', 'two.example:8443'], ms]));
  expect(said).toEqual(
    ['0.5 s', '1.0 s', '2.0 s', '4.0 s'].map(
      (wait) => `one.example, two.example:8443: no usable answer, trying again in ${wait}\n`,
    ),
  );
});
