import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { exportersFor } from '../../exporters/index.ts';
import { noRegistry } from '../exporters/results.ts';
import { takeLock } from '../../src/execution/lock.ts';
import { exportAll } from '../../src/artifacts/export.ts';
import type { Receipt, Target } from '../../src/artifacts/exporter.ts';
import { hexOf } from '../../src/base/digest.ts';
import { snapshot } from '../../src/store/host/snapshot.ts';
import { openStore } from '../../src/store/open.ts';
import type { Store } from '../../src/store/store.ts';
import { shown, signal } from '../exporters/results.ts';

let folder: string;
let store: Store;
let targets: readonly Target[];

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'portkit-export-'));
  store = openStore(join(folder, 'store'), { now: () => 1 });
  const source = join(folder, 'source');
  mkdirSync(join(source, 'etc/init.d'), { recursive: true });
  writeFileSync(join(source, 'etc/init.d/run'), '#!/bin/sh\n', { mode: 0o755 });
  writeFileSync(join(source, 'etc/big'), Buffer.alloc(2 ** 21, 5));
  symlinkSync('init.d/run', join(source, 'etc/link'));
  const { tree } = await snapshot(source, store, { signal });
  const kernel = await store.blobs.writeFile(join(source, 'etc/big'), signal);
  targets = [
    { name: 'root', ref: { kind: 'tree', digest: tree } },
    { name: 'kernel', ref: { kind: 'blob', digest: kernel.digest } },
  ];
});

afterEach(async () => {
  await store[Symbol.asyncDispose]();
  rmSync(folder, { recursive: true, force: true });
});

async function publish(...outputs: readonly string[]): Promise<readonly Receipt[]> {
  const world = { directory: folder, isRoot: false, writeOut: () => Promise.resolve(), takeLock, openRepository: noRegistry };
  const exporters = await exportersFor(outputs, world);
  for (const exporter of exporters) exporter.check(targets.map(({ name }) => name));
  return exportAll(exporters, targets, { blobs: store.blobs, signal });
}

test('a directory and a tar hold the same, and another snapshot of the directory is the same tree', async () => {
  await publish('out', 'type=tar,dest=out.tar');
  mkdirSync(join(folder, 'unpacked'));
  execFileSync('tar', ['-xf', join(folder, 'out.tar'), '-C', join(folder, 'unpacked'), '--no-same-owner']);
  expect(shown(join(folder, 'unpacked'))).toEqual(shown(join(folder, 'out')));
  expect((await snapshot(join(folder, 'out/root'), store, { signal })).tree).toBe(targets[0]?.ref.digest);
  expect(await publish('out', 'type=tar,dest=out.tar')).toMatchObject([
    { written: 0, unchanged: 4 },
    { written: 0, unchanged: 1 },
  ]);
});

test('a damaged blob never becomes visible', async () => {
  const hex = hexOf(targets[1]?.ref.digest ?? (undefined as never));
  const blob = readdirSync(folder, { recursive: true, encoding: 'utf8' }).find(
    (path) => path.endsWith(hex) || path.endsWith(hex.slice(2)),
  );
  execFileSync('sh', [
    '-c',
    'chmod u+w "$1" && printf x | dd of="$1" bs=1 seek=1000 conv=notrunc status=none',
    'sh',
    join(folder, blob ?? 'none'),
  ]);
  const before = readdirSync(folder);
  await expect(publish('type=local,dest=etc,target=root,src=etc/link', 'out')).rejects.toMatchObject({ code: 'PK2001' });
  expect(readdirSync(folder)).toEqual(before);
  expect(existsSync(join(folder, 'etc'))).toBe(false);
});
