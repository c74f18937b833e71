import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, expect, test } from 'vitest';
import { collectLayout } from '../../src/oci/layout/collect.ts';
import { inOrder } from '../../src/oci/layout/entries.ts';
import { folderSource, folderTarget } from '../../src/oci/layout/folder.ts';
import { heldBlobs } from '../../src/oci/layout/held.ts';
import { verifyLayout } from '../../src/oci/layout/verify.ts';
import { parseManifest } from '../../src/oci/model/manifest.ts';
import { produceManifest } from '../../src/oci/model/produce.ts';
import { poolOf } from './layout-pool.ts';
import { put } from './small-image.ts';

/** Seconds that writers and collectors run; a night of them with `PORTKIT_LAYOUT_SECONDS=30000`. */
const seconds = Number(process.env['PORTKIT_LAYOUT_SECONDS'] ?? 6);
/** What is younger is not collected (milliseconds): far more than a copy takes here. */
const keep = 3000;
const folder = mkdtempSync(join(tmpdir(), 'portkit-writers-'));
afterAll(() => rmSync(folder, { recursive: true }));
const { signal } = new AbortController();
const program = new URL('layout-worker.ts', import.meta.url).pathname;

/** Starts a worker again and again and kills it at random moments; answers what all of them said. */
async function killAgain(job: string, name: string, until: number): Promise<readonly string[]> {
  const lines: string[] = [];
  while (performance.now() < until) {
    const worker = spawn(process.execPath, [program, job, folder, name, String(keep)], { stdio: ['ignore', 'pipe', 'inherit'] });
    let text = '';
    const begun = new Promise((resolve) =>
      worker.stdout.setEncoding('utf8').on('data', (chunk: string) => resolve((text += chunk))),
    );
    const ended = new Promise((resolve) => worker.once('close', resolve));
    await Promise.race([begun, ended]);
    await sleep(Math.random() ** 2 * 1500);
    worker.kill('SIGKILL');
    await ended;
    lines.push(...text.split('\n').slice(0, -1), 'killed');
  }
  return lines;
}

/** Reads the index all the time, as others do: how often it was there, and whole. */
async function readAlong(until: number): Promise<number> {
  let reads = 0;
  for (; performance.now() < until; reads += 1) {
    const index = parseManifest(readFileSync(join(folder, 'index.json')), { shown: 'index.json' });
    const manifests = index.kind === 'index' ? index.manifests : [];
    if (JSON.stringify(inOrder(manifests)) !== JSON.stringify(manifests)) throw new Error('index.json is not in order');
    await sleep(2);
  }
  return reads;
}

/** The words of the lines that begin with one of these. */
const said = (lines: readonly string[], ...words: readonly string[]): readonly (readonly string[])[] =>
  lines.map((line) => line.split(' ')).filter(([first = '']) => words.includes(first));

test(
  'writers and collectors that are killed lose nothing that was acknowledged',
  { timeout: (seconds + 60) * 1000 },
  async ({ skip }) => {
    const target = folderTarget(folder);
    for (let at = 0; at < 100; at += 1) await put(target, poolOf(at));
    await target.tag(await put(target, poolOfManifest()), 'first', signal);
    const until = performance.now() + seconds * 1000;
    const [reads, collected, ...written] = await Promise.all([
      readAlong(until),
      killAgain('collect', 'collector', until),
      killAgain('push', 'one', until),
      killAgain('push', 'two', until),
    ]);
    const lines = written.flat();
    expect([...lines, ...collected].filter((line) => line.startsWith('failed'))).toEqual([]);
    if (lines.includes('late')) skip(`a writer took nearly ${keep} ms for one artifact: nothing can be said`);

    const source = folderSource(folder);
    const whole = async () => (await verifyLayout({ source, blobs: await heldBlobs(folder) }, signal)).faults;
    expect(await whole()).toEqual([]);
    const stands = new Map<string, string>();
    for (const tag of new Set(said(lines, 'done').map(([, name = '']) => name))) {
      const of = said(lines, 'try', 'done').filter(([, name]) => name === tag);
      const acknowledged = of.findLastIndex(([word]) => word === 'done');
      const { digest = '' } = (await source.resolve(tag, signal)) ?? {};
      expect(
        of.slice(acknowledged).map(([, , its]) => its),
        tag,
      ).toContain(digest);
      stands.set(digest, tag);
    }
    const signed = said(lines, 'signed').filter(([, subject = '']) => stands.has(subject));
    const listed = (await source.roots(signal)).map(({ digest }) => digest);
    for (const [, , signature] of signed) expect(listed).toContain(signature);

    // Nobody is there any more: no lock holds anybody up, and without all that is left over the same is there.
    await collectLayout(folder, { untagged: true, dryRun: false, keep: 0, now: 0 }, signal);
    expect(await whole()).toEqual([]);
    for (const [digest, tag] of stands) expect((await source.resolve(tag, signal))?.digest).toBe(digest);
    const removed = said(collected, 'removed').reduce((sum, [, count]) => sum + Number(count), 0);
    const counts = { reads, removed, done: said(lines, 'done').length, tags: stands.size, signed: signed.length };
    const kills = [...lines, ...collected].filter((line) => line === 'killed').length;
    if (process.env['PORTKIT_LAYOUT_SECONDS'] !== undefined) process.stderr.write(`${JSON.stringify({ ...counts, kills })}\n`);
    for (const [what, count] of Object.entries(counts)) expect(count, what).toBeGreaterThan(0);
  },
);

/** A manifest of blobs that are there. */
function poolOfManifest(): ReturnType<typeof poolOf> {
  return produceManifest({ artifactType: 'text/first', config: poolOf(0).descriptor, layers: [poolOf(1).descriptor] });
}
