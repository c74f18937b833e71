import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, expect, test } from 'vitest';
import type { Descriptor } from '../model/descriptor.ts';
import { describe as blobOf, emptyBlob, produceIndex, produceManifest } from '../model/produce.ts';
import type { Produced } from '../model/produce.ts';
import { bytesSource } from '../model/read.ts';
import { collectLayout } from './collect.ts';
import { mark } from './files.ts';
import { folderSource } from './folder.ts';
import { heldBlobs } from './held.ts';
import { memoryFiles } from './memory.ts';
import { layoutTarget } from './target.ts';
import { verifyLayout } from './verify.ts';

const { signal } = new AbortController();
const scratch = mkdtempSync(join(tmpdir(), 'portkit-any-'));
afterAll(() => rmSync(scratch, { recursive: true }));

const blob = (text: string): Produced => ({ bytes: Buffer.from(text), descriptor: blobOf(Buffer.from(text), 'text/plain') });

/** A manifest, or an index of manifests that were made before it. */
const node = fc.record({
  layers: fc.array(fc.nat(5), { maxLength: 3 }),
  subject: fc.option(fc.nat(20)),
  children: fc.array(fc.nat(20), { maxLength: 3 }),
  name: fc.option(fc.constantFrom('a', 'b', 'c')),
  isDropped: fc.boolean(),
});

/** What was made, with the digests of all that it leads to. */
interface Made {
  readonly descriptor: Descriptor;
  readonly leads: ReadonlySet<string>;
  readonly subject?: string;
}

test('of any layout, all that was led to stays, and all the rest goes', async () => {
  let collected = 0;
  await fc.assert(
    fc.asyncProperty(fc.array(node, { minLength: 1, maxLength: 8 }), fc.boolean(), async (nodes, untagged) => {
      const held = new Map<string, Uint8Array>();
      const target = layoutTarget(memoryFiles('memory', held));
      const made: Made[] = [];
      const push = async ({ bytes, descriptor }: Produced): Promise<Descriptor> => {
        await target.push(descriptor, bytesSource(bytes), signal);
        return descriptor;
      };
      await push(emptyBlob);
      for (const [at, { layers, subject, children, name }] of nodes.entries()) {
        const inner = children.flatMap((child) => made[child] ?? []);
        const about = subject === null ? undefined : made[subject];
        for (const layer of layers) await push(blob(`layer ${layer}`));
        const [annotations, refers] = [{ at: `${at}` }, about && { subject: about.descriptor }];
        const document =
          inner.length > 0
            ? produceIndex({ manifests: inner.map(({ descriptor }) => descriptor), annotations, ...refers })
            : produceManifest({
                artifactType: 'a/b',
                layers: layers.map((one) => blob(`layer ${one}`).descriptor),
                annotations,
                ...refers,
              });
        const descriptor = await push(document);
        const named =
          inner.length > 0 ? [] : [emptyBlob.descriptor.digest, ...layers.map((one) => blob(`layer ${one}`).descriptor.digest)];
        const leads = new Set([
          descriptor.digest,
          ...named,
          ...[...inner, ...(about ? [about] : [])].flatMap((one) => [...one.leads]),
        ]);
        made.push({ descriptor, leads, ...(about && { subject: about.descriptor.digest }) });
        if (name !== null) await target.tag(descriptor, name, signal);
      }
      const dropped = new Set(made.filter((_, at) => nodes[at]!.isDropped).map(({ descriptor }) => descriptor.digest));
      const entries = (await target.roots(signal)).filter(({ digest }) => !dropped.has(digest));
      const directory = mkdtempSync(join(scratch, 'layout-'));
      mkdirSync(join(directory, 'blobs/sha256'), { recursive: true });
      for (const [path, bytes] of held) writeFileSync(join(directory, path), bytes);
      writeFileSync(join(directory, 'oci-layout'), mark);
      writeFileSync(join(directory, 'index.json'), produceIndex({ manifests: entries }).bytes);
      const nodeOf = (digest: string) => made.find(({ descriptor }) => descriptor.digest === digest)!;
      let kept = entries.filter(
        ({ annotations }) => !untagged || annotations?.['org.opencontainers.image.ref.name'] !== undefined,
      );
      const expected = new Set<string>();
      for (let before = -1; before !== expected.size;) {
        before = expected.size;
        for (const { digest } of kept) for (const one of nodeOf(digest).leads) expected.add(one);
        kept = entries.filter(({ digest }) => expected.has(digest) || expected.has(nodeOf(digest).subject ?? ''));
      }
      const { removed } = await collectLayout(directory, { untagged, dryRun: false, keep: 0, now: 0 }, signal);
      collected += removed.length;
      const blobs = await heldBlobs(directory);
      expect(blobs.map(({ digest }) => digest).toSorted()).toEqual([...expected].toSorted());
      const { faults, unreferenced } = await verifyLayout({ source: folderSource(directory), blobs }, signal);
      expect([faults, unreferenced]).toEqual([[], []]);
      expect(JSON.parse(readFileSync(join(directory, 'index.json'), 'utf8')).manifests).toHaveLength(kept.length);
      rmSync(directory, { recursive: true });
    }),
    { numRuns: 60 },
  );
  expect(collected).toBeGreaterThan(60);
});
