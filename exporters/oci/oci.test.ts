import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, readdirSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { exportAll } from '../../src/artifacts/export.ts';
import type { Exporter, Target } from '../../src/artifacts/exporter.ts';
import { digestOf } from '../../src/base/digest.ts';
import { copy } from '../../src/oci/copy/copy.ts';
import { openArchive } from '../../src/oci/layout/archive.ts';
import { folderSource } from '../../src/oci/layout/folder.ts';
import { memoryLayout } from '../../src/oci/layout/memory.ts';
import { emptyBlob, produceIndex, produceManifest } from '../../src/oci/model/produce.ts';
import { signal, startResults } from '../../test/exporters/results.ts';
import type { Results } from '../../test/exporters/results.ts';
import { archiveExporter } from './archive.ts';
import { layoutExporter } from './layout.ts';
import { registryExporter } from './registry.ts';

let folder: string;
let results: Results;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'portkit-oci-'));
  results = startResults();
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** A layout tree with one artifact of one layer, and something that refers to it. */
async function artifact(name: string, layer: string, { tag = 'v1', signed = true } = {}) {
  const config = { ...emptyBlob };
  const blob = { mediaType: 'application/octet-stream', digest: digestOf(layer), size: layer.length };
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- a digest of this algorithm is one of both kinds
  const described = { ...blob, digest: blob.digest as unknown as typeof config.descriptor.digest };
  const made = produceManifest({ artifactType: 'application/vnd.demo', config: config.descriptor, layers: [described] });
  const signature = produceManifest({
    artifactType: 'application/vnd.signature',
    config: config.descriptor,
    layers: [config.descriptor],
    subject: made.descriptor,
  });
  const listed = { ...made.descriptor, annotations: { 'org.opencontainers.image.ref.name': tag } };
  const index = produceIndex({ manifests: [listed, ...(signed ? [signature.descriptor] : [])] });
  const files = [config, made, ...(signed ? [signature] : [])].map(({ descriptor, bytes }) => [
    `blobs/${descriptor.digest.replace(':', '/')}`,
    { text: Buffer.from(bytes).toString() },
  ]);
  const target = await results.tree(name, {
    ...Object.fromEntries(files),
    [`blobs/${blob.digest.replace(':', '/')}`]: { text: layer },
    'index.json': { text: Buffer.from(index.bytes).toString() },
    'oci-layout': { text: '{"imageLayoutVersion":"1.0.0"}' },
  });
  return { target, made, signature };
}

const run = (exporter: Exporter, targets: readonly Target[]) => exportAll([exporter], targets, { blobs: results.blobs, signal });

describe('a layout', () => {
  test('is made whole, with what refers to its artifacts, and another program reads it', async () => {
    const { target, made, signature } = await artifact('demo', 'kernel');
    const dest = join(folder, 'layout');
    const [receipt] = await run(layoutExporter({ dest, target: [] }), [target]);
    expect(receipt).toMatchObject({ type: 'oci-layout', exported: [{ target: 'demo', path: `oci:${dest}:v1` }] });
    const source = folderSource(dest);
    expect((await source.resolve('v1', signal))?.digest).toBe(made.descriptor.digest);
    const referring = await Array.fromAsync(source.referring?.referrers(made.descriptor, signal) ?? []);
    expect(referring.map(({ digest }) => digest)).toEqual([signature.descriptor.digest]);
    expect(readdirSync(folder)).toEqual(['layout']);
  });

  test('that is there keeps what it has; the same once more writes nothing', async () => {
    const dest = join(folder, 'layout');
    const one = await artifact('one', 'first');
    const two = await artifact('two', 'second', { tag: 'v2' });
    await run(layoutExporter({ dest, target: [] }), [one.target]);
    await run(layoutExporter({ dest, target: ['two'], name: 'other' }), [one.target, two.target]);
    const source = folderSource(dest);
    expect((await source.resolve('v1', signal))?.digest).toBe(one.made.descriptor.digest);
    expect((await source.resolve('other', signal))?.digest).toBe(two.made.descriptor.digest);
    const before = readFileSync(join(dest, 'index.json'), 'utf8');
    const [receipt] = await run(layoutExporter({ dest, target: [], name: 'v1' }), [one.target]);
    expect(receipt).toMatchObject({ written: 0 });
    expect(readFileSync(join(dest, 'index.json'), 'utf8')).toBe(before);
  });

  test('is not made when it is given up', async () => {
    const { target } = await artifact('demo', 'kernel');
    const dest = join(folder, 'layout');
    const prepared = await layoutExporter({ dest, target: [] }).prepare([target], { blobs: results.blobs, signal });
    expect(existsSync(dest)).toBe(false);
    prepared[Symbol.dispose]();
    expect(readdirSync(folder)).toEqual([]);
  });
});

test('a layout does not replace what comes to its place meanwhile', async () => {
  const { target } = await artifact('demo', 'kernel');
  const dest = join(folder, 'layout');
  using prepared = await layoutExporter({ dest, target: [] }).prepare([target], { blobs: results.blobs, signal });
  symlinkSync('nowhere', dest);
  await expect(prepared.publish(signal)).rejects.toMatchObject({ code: 'PK3406' });
});

test('an archive is one tar of it, the same every time', async () => {
  const { target, made, signature } = await artifact('demo', 'kernel');
  const dest = join(folder, 'demo.tar');
  const exporter = archiveExporter({ dest, target: [], name: 'latest' });
  expect(await run(exporter, [target])).toMatchObject([{ type: 'oci-archive', written: 1 }]);
  expect(await run(exporter, [target])).toMatchObject([{ type: 'oci-archive', written: 0, unchanged: 1 }]);
  expect(execFileSync('tar', ['-tf', dest], { encoding: 'utf8' })).toContain('index.json\noci-layout\n');
  await using source = await openArchive(dest, signal);
  expect((await source.resolve('latest', signal))?.digest).toBe(made.descriptor.digest);
  const referring = await Array.fromAsync(source.referring?.referrers(made.descriptor, signal) ?? []);
  expect(referring.map(({ digest }) => digest)).toEqual([signature.descriptor.digest]);
  expect(digestOf(readFileSync(dest))).toMatchInlineSnapshot(
    `"sha256:498670de9681e94be18e7fea23e975660fe4271849fcf2f4c264c2489eef200e"`,
  );
});

describe('a registry', () => {
  test('has everything when it is published, and no tag before', async () => {
    const { target, made, signature } = await artifact('demo', 'kernel');
    const repository = memoryLayout('localhost/demo');
    const exporter = registryExporter({ name: 'localhost/demo:v7', target: [] }, () => Promise.resolve(repository));
    exporter.check(['demo']);
    using prepared = await exporter.prepare([target], { blobs: results.blobs, signal });
    expect(await repository.exists(made.descriptor, signal)).toBe(true);
    expect(await repository.resolve('v7', signal)).toBeUndefined();
    const receipt = await prepared.publish(signal);
    expect(receipt.exported).toMatchObject([{ path: `localhost/demo:v7@${made.descriptor.digest}` }]);
    expect((await repository.resolve('v7', signal))?.digest).toBe(made.descriptor.digest);
    expect(await repository.exists(signature.descriptor, signal)).toBe(true);
    const back = memoryLayout('back');
    await copy({ source: repository, name: 'v7' }, { target: back, name: 'v7' }, { signal });
    expect(await back.exists(made.descriptor, signal)).toBe(true);
  });

  test('is not chosen by digest, and its name is a reference', () => {
    const name = `localhost/demo@sha256:${'0'.repeat(64)}`;
    const open = () => Promise.reject(new Error('opened'));
    expect(() => registryExporter({ name, target: [] }, open)).toThrow(expect.objectContaining({ code: 'PK3401' }));
    expect(() => registryExporter({ name: 'demo', target: [] }, open)).toThrow(expect.objectContaining({ code: 'PK4005' }));
  });
});

test('what is no artifact is refused, as are two with one tag', async () => {
  const exporter = layoutExporter({ dest: join(folder, 'layout'), target: [] });
  const blob = await results.blob('kernel', 'bytes');
  const tree = await results.tree('root', { 'etc/name': { text: 'x' } });
  const [one, two] = [await artifact('one', '1', { signed: false }), await artifact('two', '2', { signed: false })];
  for (const targets of [[blob], [tree], [one.target, two.target], [one.target, tree]]) {
    await expect(run(exporter, targets)).rejects.toMatchObject({ code: 'PK3405' });
  }
  const named = layoutExporter({ dest: join(folder, 'layout'), target: [], name: 'v1' });
  await expect(run(named, [one.target, two.target])).rejects.toMatchObject({ code: 'PK3405' });
  expect(readdirSync(folder)).toEqual([]);
});
