import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { noRegistry, startDockerRegistry } from '../interop/docker-registry.ts';
import type { DockerRegistry } from '../interop/docker-registry.ts';
import { program } from './image-cli.ts';

let folder: string;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'portkit-mistakes-'));
  mkdirSync(join(folder, 'data'));
  writeFileSync(join(folder, 'data/a.txt'), 'a\n');
  writeFileSync(join(folder, 'files.yaml'), 'name: demo\n');
});

afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** What the user sees, in a folder of their own. */
function portkit(...args: readonly string[]) {
  return portkitWith('', ...args);
}

function portkitWith(input: string, ...args: readonly string[]) {
  const env = { PATH: process.env['PATH'], HOME: folder, PORTKIT_NODE: process.execPath };
  const { status, stdout, stderr } = spawnSync('sh', [program, ...args], { encoding: 'utf8', env, cwd: folder, input });
  return { status, stdout, stderr };
}

test.each([
  ['push data a.b/filesets/c:1', 2, /is a folder\n.*oci:data;.*--content data/],
  ['push a.b/filesets/c:1 files.yaml', 2, /The source comes first/],
  ['push files.yaml oci:out', 2, /portkit copy FROM TO/],
  ['tag a.b/c:1 a.b/c:2', 2, /write 2 alone/],
  ['tag a.b/c:1 -- -x', 2, /A tag has letters/],
  ['copy oci:nowhere oci:out', 2, /"nowhere" cannot be read: there is no such file/],
  ['manifest gte a.b/c', 2, /Did you mean "portkit manifest get"/],
  ['blob delete a.b/c', 2, /It is one of: get, put/],
  ['blob put nowhere oci:out', 2, /nowhere cannot be read: there is no such file/],
  ['attest verify a.b/c --key files.yaml', 2, /"files.yaml": This is no public key in PEM form\n.*-pubout/],
  ['attest verify a.b/c --key nowhere', 2, /The key "nowhere" cannot be read: there is no such file/],
])('portkit %s is told what to do instead', (line, status, stderr) => {
  expect(portkit(...line.split(' '))).toEqual({ status, stdout: '', stderr: expect.stringMatching(stderr) });
  expect(readdirSync(folder)).toEqual(['data', 'files.yaml']);
});

describe.skipIf(noRegistry !== undefined)('at a registry', () => {
  let registry: DockerRegistry;

  beforeAll(async () => {
    registry = await startDockerRegistry();
    expect(portkit('push', 'files.yaml', `${registry.host}/filesets/demo:v1`)).toMatchObject({ status: 0 });
    return () => registry[Symbol.asyncDispose]();
  });

  test('who forgot the tag is told that this means "latest"', () => {
    const reference = `${registry.host}/filesets/demo`;
    const stderr = expect.stringMatching(/demo:latest is not there\n.*:TAG/);
    expect(portkit('pull', reference)).toEqual({ status: 1, stdout: '', stderr });
    expect(portkit('copy', reference, 'oci:out')).toMatchObject({ status: 1, stderr: expect.stringContaining(':TAG') });
  });

  test('a hyphen is standard input, and standard output', () => {
    const reference = `${registry.host}/filesets/piped:v1`;
    expect(portkitWith('name: piped\n', 'push', '-', reference)).toMatchObject({ status: 0 });
    const stdout = '{"name":"piped"}';
    expect(portkit('pull', reference, '-o', '-')).toMatchObject({ status: 0, stdout });
    expect(portkit('manifest', 'get', reference, '-o', '-').stdout).toContain('"artifactType"');
    expect(readdirSync(folder)).not.toContain('-');
  });

  test('a slash at the end of -o makes a folder', () => {
    expect(portkit('pull', `${registry.host}/filesets/demo:v1`, '-o', 'new/', '-q')).toMatchObject({ status: 0, stderr: '' });
    expect(readdirSync(join(folder, 'new'))).toEqual(['config.json']);
  });

  test('a folder that cannot be made is no bug', () => {
    const done = portkit('pull', `${registry.host}/filesets/demo:v1`, '-o', 'files.yaml/x/');
    expect(done).toMatchObject({ status: 69, stderr: expect.stringContaining('PK3912') });
  });

  test('a copy to a tag and a digest has both', () => {
    const from = `${registry.host}/filesets/demo:v1`;
    const { digest } = JSON.parse(portkit('inspect', from, '--json').stdout) as { digest: string };
    const to = `${registry.host}/filesets/copy:v2@${digest}`;
    expect(portkit('copy', from, to)).toMatchObject({ status: 0, stdout: `${to}\n` });
    const tagged = portkit('tag', `${registry.host}/filesets/copy:v2`, 'v3', 'v4', '--json');
    const references = ['v3', 'v4'].map((tag) => `${registry.host}/filesets/copy:${tag}`);
    expect(JSON.parse(tagged.stdout)).toMatchObject({ version: 1, digest, references });
  });

  test('a registry that deletes no tags: the digest is the way', () => {
    const done = portkit('manifest', 'delete', `${registry.host}/filesets/demo:v1`);
    const { digest } = JSON.parse(portkit('inspect', `${registry.host}/filesets/demo:v1`, '--json').stdout) as { digest: string };
    expect(done).toMatchObject({
      status: 1,
      stderr: expect.stringMatching(`PK4036[^]*${registry.host}/filesets/demo@${digest}`),
    });
  });
});
