import { spawn, spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { globSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { describe as blobOf, emptyBlob, produceManifest } from '../../src/oci/model/produce.ts';
import { emptyShelves, smallRegistry } from '../oci/small-registry.ts';
import { startServer } from '../oci/server.ts';
import type { TestServer } from '../oci/server.ts';

const layer = randomBytes(24 << 20);
const descriptor = blobOf(layer, 'application/octet-stream');
const folder = mkdtempSync(join(tmpdir(), 'portkit-resume-'));
let server: TestServer;
/** What was asked for of the layer: where from, and how many bytes of it went out. */
let served: { readonly from: number; bytes: number }[];

beforeAll(async () => {
  const shelves = emptyShelves();
  const made = produceManifest({ artifactType: 'text/x', config: emptyBlob.descriptor, layers: [descriptor] });
  shelves.blobs.set(emptyBlob.descriptor.digest, Buffer.from(emptyBlob.bytes));
  shelves.manifests.set('v1', { type: made.descriptor.mediaType, bytes: Buffer.from(made.bytes) });
  // The first who asks gets 15 MiB, and then nothing more for as long as it waits.
  served = [];
  const handler = smallRegistry(shelves, async (request, response) => {
    if (request.method !== 'GET' || request.url !== `/v2/r/blobs/${descriptor.digest}`) return false;
    const from = Number(/^bytes=(\d+)-$/.exec(request.headers.range ?? '')?.[1] ?? 0);
    const part = served.length === 0 ? layer.subarray(0, 15 << 20) : layer.subarray(from);
    served.push({ from, bytes: part.length });
    const range = { 'content-range': `bytes ${from}-${layer.length - 1}/${layer.length}` };
    response.writeHead(from === 0 ? 200 : 206, { 'content-length': String(layer.length - from), ...(from === 0 ? {} : range) });
    response.write(part);
    if (part.length === layer.length - from) response.end();
    return true;
  });
  server = await startServer(handler);
});
afterAll(async () => {
  await server[Symbol.asyncDispose]();
  rmSync(folder, { recursive: true });
});

const parts = () => globSync('store/*/downloads/oci/*.part', { cwd: folder }).map((path) => join(folder, path));

test('a pull that was killed goes on where it ended', async () => {
  const output = join(folder, 'layer');
  const args = ['bin/portkit', 'pull', `${server.host}/r:v1`, '-o', output, '--quiet'];
  const env = { PATH: process.env['PATH'], HOME: folder, PORTKIT_ROOT: join(folder, 'store') };
  const first = spawn('sh', args, { env, stdio: 'ignore' });
  const ended = once(first, 'exit');
  const [path = ''] = await whenever(() => parts().filter((one) => statSync(one).size >= 14 << 20));
  first.kill('SIGKILL');
  await ended;
  const { size } = statSync(path);

  const second = spawn('sh', args, { env, stdio: ['ignore', 'ignore', 'pipe'] });
  let said = '';
  second.stderr.on('data', (chunk: Buffer) => (said += chunk.toString()));
  expect([await once(second, 'exit'), said]).toEqual([[0, null], '']);
  expect(readFileSync(output).equals(layer)).toBe(true);
  expect(served).toEqual([
    { from: 0, bytes: 15 << 20 },
    { from: size, bytes: layer.length - size },
  ]);
  expect(parts()).toEqual([]);
});

test('a store that cannot be made is not needed to copy', () => {
  const env = { PATH: process.env['PATH'], HOME: folder, PORTKIT_ROOT: '/dev/null/store' };
  const copying = spawn('sh', ['bin/portkit', 'copy', `${server.host}/r:v1`, `oci:${join(folder, 'layout')}:v1`, '-q'], { env });
  return once(copying, 'exit').then(([status]) => {
    expect(status).toBe(0);
    const got = spawnSync('sh', ['bin/portkit', 'blob', 'get', `oci:${join(folder, 'layout')}@${descriptor.digest}`], {
      env,
      maxBuffer: 64 << 20,
    });
    expect(got.stdout.equals(layer)).toBe(true);
  });
});

async function whenever(look: () => readonly string[]): Promise<readonly string[]> {
  for (let tries = 0; ; tries += 1) {
    const found = look();
    if (found.length > 0 || tries > 1000) return found;
    await sleep(20);
  }
}
