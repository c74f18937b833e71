import { randomInt } from 'node:crypto';
import { writeSync } from 'node:fs';
import { PortkitError } from '../../src/base/errors.ts';
import { copy } from '../../src/oci/copy/copy.ts';
import { collectLayout } from '../../src/oci/layout/collect.ts';
import { folderTarget } from '../../src/oci/layout/folder.ts';
import { memoryLayout } from '../../src/oci/layout/memory.ts';
import { describe, emptyBlob, produceIndex, produceManifest } from '../../src/oci/model/produce.ts';
import { poolOf } from './layout-pool.ts';
import { put } from './small-image.ts';

/**
 * `push DIRECTORY NAME KEEP` copies signed artifacts into a layout folder under few tags, for ever, and says what it begins and
 * what is done; `collect DIRECTORY NAME KEEP` collects in it. Whoever started it kills it.
 */
const [job = '', directory = '', name = '', keep = '0'] = process.argv.slice(2);
const { signal } = new AbortController();
const say = (line: string): void => void writeSync(1, `${line}\n`);

async function push(): Promise<void> {
  const target = folderTarget(directory);
  const made = memoryLayout();
  const tag = `${name}-${randomInt(3)}`;
  const layers = [];
  for (let at = 0; at < 3; at += 1) layers.push(await put(made, poolOf(randomInt(100))));
  const own = Buffer.from(`${name} ${process.pid} ${process.hrtime.bigint()}`);
  layers.push(await put(made, { bytes: own, descriptor: describe(own, 'text/plain') }));
  await put(made, emptyBlob);
  const inner = await put(made, produceManifest({ artifactType: 'text/x', layers }));
  const main = await put(made, produceIndex({ manifests: [inner], annotations: { name } }));
  const signature = await put(made, produceManifest({ artifactType: 'text/signature', layers: [], subject: main }));
  await made.tag(main, 'v1', signal);
  const began = performance.now();
  say(`try ${tag} ${main.digest}`);
  await copy({ source: made, name: 'v1' }, { target, name: tag }, { signal, verify: randomInt(2) === 0 });
  if (performance.now() - began > Number(keep) * 0.9) say('late');
  say(`done ${tag} ${main.digest}`);
  await copy({ source: made, name: signature.digest }, { target }, { signal });
  say(`signed ${main.digest} ${signature.digest}`);
}

async function collect(): Promise<void> {
  const untagged = randomInt(2) === 0;
  const { removed } = await collectLayout(directory, { untagged, dryRun: false, keep: Number(keep), now: Date.now() }, signal);
  say(`removed ${removed.length}`);
}

try {
  for (;;) await (job === 'push' ? push() : collect());
} catch (error) {
  say(`failed ${error instanceof PortkitError ? error.code : ''} ${String(error)}`);
}
