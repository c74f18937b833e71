import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { blobPath } from '../../src/oci/layout/files.ts';
import { folderTarget } from '../../src/oci/layout/folder.ts';
import { emptyBlob, produceManifest } from '../../src/oci/model/produce.ts';
import { put, putImage } from '../oci/small-image.ts';

const folder = mkdtempSync(join(tmpdir(), 'portkit-layout-'));
afterAll(() => rmSync(folder, { recursive: true }));
const { signal } = new AbortController();

function portkit(...args: readonly string[]) {
  const env = { PATH: process.env['PATH'], HOME: folder, PORTKIT_ROOT: join(folder, 'store') };
  const { status, stdout, stderr } = spawnSync('sh', [join(process.cwd(), 'bin/portkit'), ...args], {
    encoding: 'utf8',
    cwd: folder,
    env,
  });
  return { status, stdout, stderr };
}

function said(...args: readonly string[]): string {
  const { status, stdout, stderr } = portkit(...args);
  expect({ args, status, stderr }).toEqual({ args, status: 0, stderr: '' });
  return stdout;
}

/** A layout whose tag moved from an artifact of its own to an image; both are signed. */
async function layout(name: string) {
  const directory = join(folder, name);
  const target = folderTarget(directory);
  await put(target, emptyBlob);
  const old = await put(target, produceManifest({ artifactType: 'text/old', layers: [emptyBlob.descriptor] }));
  await target.tag(old, 'v1', signal);
  const { index, manifests } = await putImage(target, 'v1');
  const sign = (subject: typeof old) => put(target, produceManifest({ artifactType: 'text/signature', layers: [], subject }));
  const signature = await sign(index);
  return { directory, old, index, signature, sign, manifests };
}

const count = (directory: string): number => readdirSync(join(directory, 'blobs/sha256')).length;

test('what tags moved away from is collected, and what is left copies as before', async () => {
  const { directory, old, index, signature } = await layout('moved');
  const all = count(directory);
  expect(said('layout', 'gc', 'moved')).toBe(
    `Removed 0 blobs (0 B); 1 blobs (${statSync(join(directory, blobPath(old.digest))).size} B) are too young\n`,
  );
  const dry = JSON.parse(said('layout', 'gc', 'oci:moved', '--keep', '0s', '--dry-run', '--json'));
  const removed = [{ digest: old.digest, size: old.size }];
  expect(dry).toEqual({ version: 1, layout: 'moved', dryRun: true, removed, young: [], unlisted: [] });
  expect(count(directory)).toBe(all);
  expect(said('layout', 'gc', 'moved', '--keep=0s')).toMatch(`${old.digest}  ${old.size} B\nRemoved 1 blobs`);
  expect(count(directory)).toBe(all - 1);
  expect(said('layout', 'verify', 'moved')).toMatch(/^Checked 2 entries and \d+ blobs \(.*\): 0 faults\n$/);
  said('copy', 'oci:moved:v1', 'oci-archive:moved.tar', '--referrers', '--quiet');
  const archive = JSON.parse(said('layout', 'verify', 'moved.tar', '--json'));
  expect(archive).toMatchObject({ version: 1, layout: 'moved.tar', entries: 2, blobs: all - 1, unreferenced: [], faults: [] });

  said('manifest', 'delete', 'oci:moved:v1');
  expect(JSON.parse(said('layout', 'gc', 'moved', '--keep', '0s', '--json')).removed).toEqual([]);
  const unlisted = JSON.parse(said('layout', 'gc', 'moved', '--keep', '0s', '--untagged', '--json'));
  expect(unlisted.unlisted.map(({ digest }: { digest: string }) => digest).toSorted()).toEqual(
    [index.digest, signature.digest].toSorted(),
  );
  expect(count(directory)).toBe(0);
});

test('what is wrong is told, with exit status 7; and nothing is collected beside it', async () => {
  const { directory, index, manifests } = await layout('wrong');
  const [one, two] = manifests;
  rmSync(join(directory, blobPath(one!.digest)));
  writeFileSync(join(directory, blobPath(two!.digest)), Buffer.alloc(two!.size));
  const { status, stdout, stderr } = portkit('layout', 'verify', 'wrong');
  expect([status, stderr]).toEqual([7, '']);
  expect(stdout).toContain(`missing ${one!.digest}: it is named and not there\n`);
  expect(stdout).toContain(`damaged ${two!.digest}: `);
  expect(stdout).toMatch(/: 2 faults; nothing leads to \d blobs/);
  const told = portkit('layout', 'verify', 'oci:wrong', '--json');
  expect([told.status, JSON.parse(told.stdout).faults.length]).toEqual([7, 2]);
  const all = count(directory);
  const refused = portkit('layout', 'gc', 'wrong', '--keep', '0s');
  expect([refused.status, refused.stdout]).toEqual([7, '']);
  expect(refused.stderr).toMatch(/error\[PK4003\]: Nothing was collected.*portkit layout verify/s);
  rmSync(join(directory, blobPath(index.digest)));
  expect(portkit('layout', 'gc', 'wrong', '--keep', '0s')).toMatchObject({ status: 1, stderr: expect.stringMatching(/PK4001/) });
  expect(count(directory)).toBe(all - 1);
});

test.each([
  [['layout'], 2, 'PK1001'],
  [['layout', 'gc'], 2, 'PK1001'],
  [['layout', 'prune', '.'], 2, 'PK1001'],
  [['layout', 'verify', '.', '--keep', '1h'], 2, 'PK1001'],
  [['layout', 'gc', '.', '--keep', 'long'], 2, 'PK1004'],
  [['layout', 'gc', 'oci:there:v1'], 2, 'PK4005'],
  [['layout', 'gc', 'oci-archive:there.tar'], 2, 'PK1004'],
  [['layout', 'gc', 'nowhere'], 7, 'PK4002'],
  [['layout', 'verify', '.'], 7, 'PK4002'],
  [['layout', 'verify', 'nowhere.tar'], 7, 'PK4002'],
])('%j is refused', (args, status, code) => {
  expect(portkit(...args)).toEqual({ status, stdout: '', stderr: expect.stringContaining(`error[${code}]`) });
});
