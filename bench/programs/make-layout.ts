import { createHash, randomFillSync } from 'node:crypto';
import { folderTarget } from '../../src/oci/layout/folder.ts';
import { parseOciDigest } from '../../src/oci/model/digest.ts';
import { emptyBlob, produceManifest } from '../../src/oci/model/produce.ts';
import { bytesSource } from '../../src/oci/model/read.ts';

/** Makes a layout of one artifact called `v1` with random layers: `make-layout FOLDER COUNT MEGABYTES`. */
const [folder = '', count = '1', megabytes = '1'] = process.argv.slice(2);
const { signal } = new AbortController();
const layout = folderTarget(folder);
const layers = [];
for (let at = 0; at < Number(count); at += 1) {
  const bytes = randomFillSync(Buffer.alloc(Number(megabytes) << 20));
  const digest = parseOciDigest(`sha256:${createHash('sha256').update(bytes).digest('hex')}`);
  const layer = { mediaType: 'application/octet-stream', digest, size: bytes.length };
  await layout.push(layer, bytesSource(bytes), signal);
  layers.push(layer);
}
await layout.push(emptyBlob.descriptor, bytesSource(emptyBlob.bytes), signal);
const { bytes, descriptor } = produceManifest({ artifactType: 'application/vnd.example.bench', layers });
await layout.push(descriptor, bytesSource(bytes), signal);
await layout.tag(descriptor, 'v1', signal);
