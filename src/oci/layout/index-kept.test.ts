import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { put } from '../../../test/oci/small-image.ts';
import { emptyBlob, produceManifest } from '../model/produce.ts';
import { mark } from './files.ts';
import { folderTarget } from './folder.ts';

const { signal } = new AbortController();

test('what others say in index.json of the whole layout stays there when something is added, named and deleted', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'portkit-index-'));
  try {
    mkdirSync(join(folder, 'blobs'));
    writeFileSync(join(folder, 'oci-layout'), mark);
    const annotations = { 'org.example.release': '7' };
    const said = {
      schemaVersion: 2,
      artifactType: 'application/vnd.example',
      manifests: [],
      annotations,
      'org.example': { a: 1 },
    };
    writeFileSync(join(folder, 'index.json'), JSON.stringify(said));
    const target = folderTarget(folder);
    await put(target, emptyBlob);
    const artifact = await put(target, produceManifest({ artifactType: 'a/b', layers: [] }));
    await target.tag(artifact, 'v1', signal);
    expect(await target.deleting?.delete('v1', signal)).toBe(true);
    const { manifests, ...rest } = JSON.parse(readFileSync(join(folder, 'index.json'), 'utf8'));
    expect(manifests).toHaveLength(1);
    expect(rest).toMatchObject({ artifactType: 'application/vnd.example', annotations, 'org.example': { a: 1 } });
  } finally {
    rmSync(folder, { recursive: true });
  }
});
