import { expect, test } from 'vitest';
import { copy } from '../../src/oci/copy/copy.ts';
import { memoryLayout } from '../../src/oci/layout/memory.ts';
import { mediaTypes } from '../../src/oci/model/media-types.ts';
import { readDocument } from '../../src/oci/model/read.ts';
import { blobOf, repositoryAt } from './asking.ts';
import { say, startServer } from './server.ts';
import { emptyShelves, smallRegistry } from './small-registry.ts';

const { signal } = new AbortController();
const foreign = 'application/vnd.docker.image.rootfs.foreign.diff.tar.gzip';

test.each([
  [foreign, 'left where it is'],
  [mediaTypes.layerTar, 'taken from the registry'],
])('CVE-2020-15157: a layer of the type %s with addresses is %s, and nobody is asked there', async (mediaType) => {
  await using elsewhere = await startServer((_request, response) =>
    say(response, 401, { 'www-authenticate': 'Basic realm="x"' }),
  );
  const [config, layer] = [Buffer.from('{}'), Buffer.from('layer')];
  const descriptors = {
    config: blobOf(config, mediaTypes.imageConfig),
    layers: [{ ...blobOf(layer, mediaType), urls: [`${elsewhere.origin}/layer`] }],
  };
  const manifest = Buffer.from(JSON.stringify({ schemaVersion: 2, mediaType: mediaTypes.manifest, ...descriptors }));
  const shelves = emptyShelves();
  shelves.blobs.set(descriptors.config.digest, config);
  if (mediaType !== foreign) shelves.blobs.set(blobOf(layer).digest, layer);
  const entry = { type: mediaTypes.manifest, bytes: manifest };
  shelves.manifests.set('v1', entry).set(blobOf(manifest).digest, entry);
  await using server = await startServer(smallRegistry(shelves));
  using repository = repositoryAt(server.host);
  const here = memoryLayout();
  const root = await copy({ source: repository, name: 'v1' }, { target: here, name: 'v1' }, { signal });
  expect(Buffer.from(await readDocument(here, root, signal)).equals(manifest)).toBe(true);
  expect(await here.exists(blobOf(layer), signal)).toBe(mediaType !== foreign);
  expect(elsewhere.seen).toEqual([]);
});
