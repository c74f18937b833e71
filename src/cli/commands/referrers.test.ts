import { randomBytes } from 'node:crypto';
import { expect, test } from 'vitest';
import { say, startServer } from '../../../test/oci/server.ts';
import { mediaTypes } from '../../oci/model/media-types.ts';
import type { OciDigest } from '../../oci/model/digest.ts';
import { produceIndex, produceManifest } from '../../oci/model/produce.ts';
import { referrers } from './referrers.ts';

test('what refers to each other without end is given up', async () => {
  const { descriptor, bytes } = produceManifest({ artifactType: 'application/vnd.example+json', layers: [] });
  const another = () => ({ ...descriptor, digest: `sha256:${randomBytes(32).toString('hex')}` satisfies OciDigest });
  await using server = await startServer((request, response) => {
    if (request.url?.includes('/referrers/') !== true)
      return say(response, 200, { 'content-type': mediaTypes.manifest }, Buffer.from(bytes));
    const { bytes: list } = produceIndex({ manifests: Array.from({ length: 20 }, another) });
    return say(response, 200, { 'content-type': mediaTypes.index }, Buffer.from(list));
  });
  const { signal } = new AbortController();
  const silent = () => undefined;
  const invocation = { words: [`${server.host}/r:v1`], options: {}, signal, print: silent, note: silent };
  await expect(referrers.run(invocation)).rejects.toMatchObject({ code: 'PK4006' });
  expect(server.seen.length).toBeLessThan(1100);
});
