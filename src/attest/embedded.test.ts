import { expect, test } from 'vitest';
import { put } from '../../test/oci/small-image.ts';
import { memoryLayout } from '../oci/layout/memory.ts';
import { describe as describeBlob, emptyBlob, produceIndex, produceManifest } from '../oci/model/produce.ts';
import { unverifiedDocuments } from './documents.ts';
import { embeddedIn } from './embedded.ts';
import { encodeStatement, statementType } from './statement.ts';

const { signal } = new AbortController();
const predicateType = 'https://slsa.dev/provenance/v0.2';

test('what BuildKit puts into an index is found by the manifest that it is about, and nonsense in it is passed over', async () => {
  const layout = memoryLayout();
  await put(layout, emptyBlob);
  const images = [];
  for (const architecture of ['amd64', 'arm64']) {
    const made = await put(
      layout,
      produceManifest({ artifactType: 'application/vnd.example+json', layers: [], annotations: { architecture } }),
    );
    images.push({ ...made, platform: { os: 'linux', architecture } });
  }
  const [about, other] = images;
  if (about === undefined || other === undefined) throw new Error('There are two');
  const layers = [];
  for (const bytes of [
    encodeStatement({ subjects: [{ digest: about.digest }], predicateType, predicate: { of: 'amd64' } }),
    Buffer.from('{"no": "statement"}'),
    Buffer.from('no JSON'),
  ]) {
    const descriptor = describeBlob(bytes, statementType);
    await put(layout, { descriptor, bytes });
    layers.push(descriptor);
  }
  layers.push(describeBlob(Buffer.from('never pushed'), statementType), describeBlob(Buffer.from('{}'), 'application/other'));
  const holder = await put(
    layout,
    produceManifest({ artifactType: 'application/vnd.docker.attestation.manifest.v1+json', layers }),
  );
  const annotations = { 'vnd.docker.reference.type': 'attestation-manifest', 'vnd.docker.reference.digest': about.digest };
  const lost = { ...describeBlob(Buffer.from('lost'), holder.mediaType), annotations };
  const root = await put(layout, produceIndex({ manifests: [...images, { ...holder, annotations }, lost] }));
  const parts = await embeddedIn(layout, root, signal);
  expect(
    parts.map(({ subject, attached }) => [
      subject.platform?.architecture,
      unverifiedDocuments(attached, ['https://slsa.dev/provenance']),
    ]),
  ).toEqual([
    ['amd64', [{ predicateType, document: { of: 'amd64' } }]],
    ['arm64', []],
  ]);
  expect(await embeddedIn(layout, about, signal)).toEqual([]);
});
