import { spawnSync } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { noRegistry, startDockerRegistry } from '../interop/docker-registry.ts';
import type { DockerRegistry } from '../interop/docker-registry.ts';

const folder = mkdtempSync(join(tmpdir(), 'portkit-raw-'));
let registry: DockerRegistry | undefined;
beforeAll(async () => {
  if (noRegistry === undefined) registry = await startDockerRegistry();
});
afterAll(async () => {
  await registry?.[Symbol.asyncDispose]();
  rmSync(folder, { recursive: true });
});

function portkit(args: readonly string[], input: string | Buffer = '') {
  const env = { PATH: process.env['PATH'], HOME: folder, PORTKIT_ROOT: join(folder, 'store'), TMPDIR: folder };
  const { status, stdout, stderr } = spawnSync('sh', ['bin/portkit', ...args], { input, env, maxBuffer: 64 << 20 });
  return { status, stdout, stderr: stderr.toString() };
}

const digestOf = (bytes: Buffer | string) => `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
const absent = `sha256:${'0'.repeat(64)}`;
const file = (name: string, content: Buffer | string) => {
  writeFileSync(join(folder, name), content);
  return join(folder, name);
};

/** A manifest of the layer, in a form that no producer of ours has: what is put is what is got. */
const manifestOf = (layer: Buffer, more = '') =>
  Buffer.from(
    `{ "schemaVersion":2,\n\t"mediaType": "application/vnd.oci.image.manifest.v1+json", "artifactType": "text/x", ${more}
  "config": {"mediaType":"application/vnd.oci.empty.v1+json","size":2,"digest":"${digestOf('{}')}"},
  "layers": [{"size":${layer.length},"digest":"${digestOf(layer)}","mediaType":"application/octet-stream"}] }\n\n`,
  );

const places: readonly (readonly [string, () => string])[] = [
  ['a layout folder', () => `oci:${join(folder, 'layout')}`],
  ...(noRegistry === undefined ? [['a registry', () => `${registry?.host}/raw/blobs`] as const] : []),
];
if (noRegistry !== undefined) test('a registry', ({ skip }) => skip(noRegistry));

describe.each(places)('%s', (_name, placed) => {
  const layer = randomBytes(3 * 1024 * 1024 + 7);

  test('blobs and manifests come back byte for byte', () => {
    const place = placed();
    const bytes = manifestOf(layer);
    const early = portkit(['manifest', 'put', file('manifest', bytes), `${place}:v1`]);
    expect([early.status, early.stderr]).toEqual([1, expect.stringMatching(/PK4001.*names sha256:44136fa3.*portkit blob put/s)]);

    const put = portkit(['blob', 'put', file('layer', layer), place, '--json']);
    expect(JSON.parse(put.stdout.toString())).toMatchObject({ version: 1, digest: digestOf(layer), size: layer.length });
    expect(portkit(['blob', 'put', '-', `${place}@${digestOf('{}')}`], '{}').stdout.toString()).toContain(digestOf('{}'));
    expect(portkit(['manifest', 'put', '-', `${place}:v1`], bytes)).toMatchObject({ status: 0, stderr: '' });
    expect(portkit(['manifest', 'get', `${place}:v1`]).stdout.equals(bytes)).toBe(true);
    expect(portkit(['manifest', 'get', `${place}@${digestOf(bytes)}`]).stdout.equals(bytes)).toBe(true);
    expect(portkit(['blob', 'get', `${place}@${digestOf(layer)}`]).stdout.equals(layer)).toBe(true);

    const output = join(folder, 'got');
    expect(portkit(['blob', 'get', `${place}@${digestOf(layer)}`, '-o', output]).stdout.toString()).toContain('got: 3.');
    expect(readFileSync(output).equals(layer)).toBe(true);
    expect(portkit(['manifest', 'get', `${place}:v1`, '-o', output]).status).toBe(0);
    expect(readFileSync(output).equals(bytes)).toBe(true);
    rmSync(output);
  });

  test('a manifest is deleted by its digest', () => {
    const place = placed();
    const bytes = manifestOf(layer, '"annotations": {"a":"b"},');
    expect(portkit(['manifest', 'put', '-', `${place}:gone`], bytes).status).toBe(0);
    const done = portkit(['manifest', 'delete', `${place}@${digestOf(bytes)}`]);
    expect([done.status, done.stdout.toString()]).toEqual([0, expect.stringContaining(digestOf(bytes))]);
    for (const name of [':gone', `@${digestOf(bytes)}`]) {
      expect(portkit(['manifest', 'get', `${place}${name}`])).toMatchObject({ status: 1, stdout: Buffer.alloc(0) });
    }
    expect(portkit(['manifest', 'delete', `${place}:gone`]).stderr).toContain('PK4001');
    expect(portkit(['manifest', 'get', `${place}:v1`]).status).toBe(0);
  });

  test.each([
    ['no JSON', '{"schemaVersion":2', /PK4002/],
    ['neither an index nor a manifest', '{"schemaVersion":2}', /PK4002/],
    ['both', manifestOf(layer, '"manifests": [],'), /PK4002/],
    ['too large', Buffer.alloc((4 << 20) + 1, ' '), /PK4006/],
  ])('what is %s is not put', (_what, bytes, message) => {
    const done = portkit(['manifest', 'put', '-', `${placed()}:bad`], bytes);
    expect([done.status, done.stderr]).toEqual([7, expect.stringMatching(message)]);
    expect(portkit(['manifest', 'get', `${placed()}:bad`]).status).toBe(1);
  });

  test('what is not there, or is not what was said', () => {
    const place = placed();
    const failing: readonly (readonly [readonly string[], number, RegExp])[] = [
      [['blob', 'get', `${place}@${absent}`], 1, /PK4001/],
      [['blob', 'get', place], 2, /PK4005.*no digest/],
      [['blob', 'get', `${place}:v1`], 2, /PK4005.*tag/],
      [['blob', 'put', file('other', 'other'), `${place}:v1`], 2, /PK4005.*tag/],
      [['blob', 'put', file('other', 'other'), `${place}@${absent}`], 7, /PK4003/],
      [['blob', 'put', join(folder, 'nowhere'), place], 2, /PK1004.*ENOENT/],
      [['manifest', 'put', file('manifest', manifestOf(layer)), `${place}@${absent}`], 7, /PK4003/],
      [['manifest', 'get', `${place}:nothing`], 1, /PK4001/],
      [['manifest', 'delete', place], 2, /PK4005.*neither a tag nor a digest/],
      [['manifest', 'delete', `${place}:nothing`], 1, /PK4001/],
      [['manifest', 'put', 'x', place, '-o', 'y'], 2, /PK1001.*does not take --output/],
      [['blob', 'delete', `${place}@${absent}`], 2, /PK1001.*delete/],
    ];
    for (const [args, status, message] of failing) {
      const done = portkit(args);
      expect([args, done.status, done.stderr]).toEqual([args, status, expect.stringMatching(message)]);
    }
    expect(existsSync(join(folder, 'y'))).toBe(false);
  });
});

test('a damaged blob of a layout is told, and healed by putting it again', () => {
  const layer = randomBytes(100_000);
  const place = `oci:${join(folder, 'healed')}`;
  const path = join(folder, 'healed', 'blobs', 'sha256', digestOf(layer).slice(7));
  expect(portkit(['blob', 'put', '-', place], layer).status).toBe(0);
  writeFileSync(path, Buffer.alloc(layer.length));
  const output = join(folder, 'unmade');
  const got = portkit(['blob', 'get', `${place}@${digestOf(layer)}`, '-o', output]);
  expect([got.status, got.stderr, existsSync(output)]).toEqual([7, expect.stringContaining('PK4003'), false]);
  expect(portkit(['blob', 'get', `${place}@${digestOf(layer)}`]).status).toBe(7);
  expect(portkit(['blob', 'put', '-', place], layer).status).toBe(0);
  expect(portkit(['blob', 'get', `${place}@${digestOf(layer)}`]).stdout.equals(layer)).toBe(true);
});

test('a reader that leaves is no failure', () => {
  const layer = randomBytes(4 << 20);
  const place = `oci:${join(folder, 'healed')}`;
  portkit(['blob', 'put', '-', place], layer);
  const line = `sh bin/portkit blob get ${place}@${digestOf(layer)} | head -c 5; echo`;
  const done = spawnSync('sh', ['-c', line], { env: { PATH: process.env['PATH'], HOME: folder } });
  expect([done.stderr.toString(), done.stdout.subarray(0, 5).equals(layer.subarray(0, 5))]).toEqual(['', true]);
});
