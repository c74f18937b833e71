import { tmpdir } from 'node:os';
import { expect, test } from 'vitest';
import { blob, bytesOf, createWorld, output, signal, tree } from '../../test/ops/world.ts';
import { byteString } from '../base/byte-string.ts';
import { copy } from '../oci/copy/copy.ts';
import { memoryFiles } from '../oci/layout/memory.ts';
import { layoutTarget } from '../oci/layout/target.ts';
import { treeSource } from '../oci/layout/tree.ts';
import { followPath } from '../ops/tree/paths.ts';
import { mainManifest } from './layout-tree.ts';
import { ociOp } from './oci.ts';
import { sbomOp } from './sbom.ts';

test('a layout is one that copies as it is, with what refers to it', async () => {
  const world = createWorld();
  const variants = ['amd64', 'arm64'].map((architecture) => ({
    layers: [
      { from: 0, name: 'vmlinux' },
      { from: 1, name: 'root' },
    ],
    platform: { os: 'linux', architecture },
  }));
  const root = await tree(world, { 'etc/motd': 'hello' });
  const artifactType = 'application/vnd.example.v1+json';
  const packed = await output(ociOp({ type: 'oci', artifactType, variants, tag: 'v1' }, world), await blob(world, 'x'), root);
  const bom = sbomOp(
    { type: 'sbom', format: 'cyclonedx', names: ['root'], attach: 1 },
    { ...world, scratch: tmpdir, architecture: 'amd64' },
  );
  const layout = await output(bom, root, packed);

  const held = new Map<string, Uint8Array>();
  const target = layoutTarget(memoryFiles('memory', held));
  const source = treeSource(layout.digest, world.blobs);
  const copied = await copy({ source, name: 'v1' }, { target, name: 'v1' }, { signal, referrers: true });
  expect(copied).toEqual(await mainManifest(layout.digest, { blobs: world.blobs, signal }));
  for (const [path, bytes] of held) {
    const { item } = await followPath(layout.digest, byteString(path), { access: { blobs: world.blobs, signal }, last: 'keep' });
    const here = bytesOf(world, item?.type === 'file' ? { kind: 'blob', digest: item.content } : undefined);
    if (path.endsWith('.json')) expect(JSON.parse(here.toString()), path).toEqual(JSON.parse(Buffer.from(bytes).toString()));
    else expect(here.equals(bytes), path).toBe(true);
  }
  expect(held.size).toBe(9);
});
