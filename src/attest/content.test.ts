import { expect, test } from 'vitest';
import { put } from '../../test/oci/small-image.ts';
import { memoryLayout } from '../oci/layout/memory.ts';
import { describe as describeBlob, emptyBlob, produceIndex, produceManifest } from '../oci/model/produce.ts';
import { checkContent } from './content.ts';

const { signal } = new AbortController();
const artifactType = 'application/vnd.example+json';

test('what is named as a document and as bytes is looked at as both', async () => {
  const layout = memoryLayout();
  await put(layout, emptyBlob);
  const layer = describeBlob(Buffer.from('never pushed'), 'application/octet-stream');
  const manifest = await put(layout, produceManifest({ artifactType, layers: [layer] }));
  const main = await put(layout, produceIndex({ manifests: [manifest, { ...manifest, mediaType: 'application/octet-stream' }] }));
  const looked: string[] = [];
  const checkBlob = (blob: { readonly digest: string }) => Promise.resolve(void looked.push(blob.digest));
  await checkContent(main, { reader: layout, checkBlob, signal });
  expect(looked.toSorted()).toEqual([layer, manifest, emptyBlob.descriptor].map(({ digest }) => digest).toSorted());
});
