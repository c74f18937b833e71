import { describe, expect, test } from 'vitest';
import { put } from '../../test/oci/small-image.ts';
import { memoryLayout } from '../oci/layout/memory.ts';
import type { Descriptor } from '../oci/model/descriptor.ts';
import type { Source } from '../oci/model/ports.ts';
import { describe as describeBlob, emptyBlob, produceManifest } from '../oci/model/produce.ts';
import { attachedTo } from './attached.ts';
import { statementReferrer } from './referrer.ts';
import { encodeStatement, statementType } from './statement.ts';

const { signal } = new AbortController();
const predicateType = 'https://example.com/said/v1';

/** A place with one artifact, one honest statement about it, and whatever else is said to refer to it. */
async function place(more: (subject: Descriptor) => AsyncIterable<Descriptor>) {
  const layout = memoryLayout();
  await put(layout, emptyBlob);
  const subject = await put(layout, produceManifest({ artifactType: 'application/vnd.example+json', layers: [] }));
  const statement = encodeStatement({ subjects: [{ digest: subject.digest }], predicateType, predicate: {} });
  const honest = statementReferrer(statement, { subject, predicateType });
  for (const document of honest.documents) await put(layout, document);
  const source: Source = {
    ...layout,
    referring: {
      async *referrers() {
        yield* more(subject);
        yield honest.descriptor;
      },
    },
  };
  return { layout, source, subject, honest };
}

const absent = describeBlob(Buffer.from('never pushed'), 'application/vnd.oci.image.manifest.v1+json');

describe('what cannot be read is no reason not to read the rest', () => {
  test.each([
    ['a manifest of a kind that is not known', { ...absent, mediaType: 'application/vnd.oci.artifact.manifest.v1+json' }],
    ['a manifest that is not there', absent],
    ['a manifest that is too large', { ...absent, size: 2 ** 40 }],
  ])('%s', async (_, descriptor) => {
    const { source, subject, honest } = await place(async function* () {
      yield descriptor;
    });
    const found = await attachedTo(source, subject, signal);
    expect(found.map((one) => one.descriptor.digest)).toEqual([honest.descriptor.digest]);
  });

  test('a manifest whose layer has another size than it says', async () => {
    const lies = (subject: Descriptor) => ({
      artifactType: statementType,
      subject,
      layers: [{ ...describeBlob(Buffer.from('{}'), statementType), size: 7 }],
    });
    const { layout, source, subject } = await place(async function* (about) {
      yield produceManifest(lies(about)).descriptor;
    });
    await put(layout, { descriptor: describeBlob(Buffer.from('{}'), statementType), bytes: Buffer.from('{}') });
    await put(layout, produceManifest(lies(subject)));
    const found = await attachedTo(source, subject, signal);
    expect(found.map(({ problem }) => problem?.code)).toEqual(['PK4003', undefined]);
  });
});

test('who says without end is not listened to without end', async () => {
  let asked = 0;
  const { source, subject } = await place(async function* () {
    for (; asked < 100_000; asked += 1) yield absent;
  });
  await expect(attachedTo(source, subject, signal)).rejects.toMatchObject({ code: 'PK4006' });
  expect(asked).toBeLessThan(2000);
});
