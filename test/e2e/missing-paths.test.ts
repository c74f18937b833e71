import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { runHere } from './in-process.ts';

const folder = mkdtempSync(join(tmpdir(), 'portkit-missing-'));
const at = (path: string): string => join(folder, path);
const zeros = `sha256:${'0'.repeat(64)}`;
let said: string[] = [];

/** Nobody is asked: port 1 of the loopback answers nothing. */
function run(...words: readonly string[]): Promise<number> {
  said = [];
  return runHere(words, said);
}

beforeAll(() => {
  vi.stubEnv('HOME', folder);
  vi.stubEnv('PORTKIT_ROOT', at('store'));
  mkdirSync(at('folder'));
  writeFileSync(at('set.yaml'), 'apiVersion: v1\nkind: FileSet\nmetadata: { name: demo }\nspec: { mount: { path: /d } }\n');
});
afterAll(() => {
  vi.unstubAllEnvs();
  rmSync(folder, { recursive: true });
});

const notThere = (path: string): Readonly<Record<string, () => Promise<number>>> => ({
  'kernel inspect': () => run('kernel', 'inspect', path),
  'kernel extract': () => run('kernel', 'extract', path, '-o', at('got')),
  'kernel --kconfig': () => run('kernel', 'inspect', at('set.yaml'), '--kconfig', path),
  'image inspect': () => run('image', 'inspect', path),
  'image check': () => run('image', 'check', path),
  'image diff': () => run('image', 'diff', path, at('folder')),
  'image tar': () => run('image', 'tar', path, '-o', at('got')),
  'image extract': () => run('image', 'extract', path, '--tar', at('got')),
  boot: () => run('boot', '--kernel', path, '--initrd', path),
  build: () => run('build', '-f', path),
  artifacts: () => run('artifacts', 'list', '--config', path),
  push: () => run('push', path, '127.0.0.1:1/r:v1'),
  'push --content': () => run('push', at('set.yaml'), '127.0.0.1:1/r:v1', '--family', 'fileset', '--content', path),
  'blob put': () => run('blob', 'put', path, '127.0.0.1:1/r'),
  'manifest put': () => run('manifest', 'put', path, '127.0.0.1:1/r:v1'),
  'attest verify --key': () => run('attest', 'verify', '127.0.0.1:1/r:v1', '--key', path),
  ...Object.fromEntries(
    ['oci', 'oci-archive'].flatMap((scheme) => [
      [`push ${scheme}:`, () => run('push', `${scheme}:${path}:v1`, '127.0.0.1:1/r:v1')],
      [`copy ${scheme}:`, () => run('copy', `${scheme}:${path}:v1`, '127.0.0.1:1/r:v1')],
      ...['inspect', 'referrers', 'sbom', 'provenance'].map(
        (verb) => [`${verb} ${scheme}:`, () => run(verb, `${scheme}:${path}:v1`)] as const,
      ),
      [`tag ${scheme}:`, () => run('tag', `${scheme}:${path}:v1`, 'v2')],
      [`attest inspect ${scheme}:`, () => run('attest', 'inspect', `${scheme}:${path}:v1`)],
      [`manifest get ${scheme}:`, () => run('manifest', 'get', `${scheme}:${path}:v1`, '-o', at('got'))],
      [`manifest delete ${scheme}:`, () => run('manifest', 'delete', `${scheme}:${path}:v1`)],
      [`blob get ${scheme}:`, () => run('blob', 'get', `${scheme}:${path}@${zeros}`, '-o', at('got'))],
    ]),
  ),
});

test.each(Object.entries(notThere(at('nowhere/at-all'))))('%s: a local path that is not there is 2', async (_, verb) => {
  const status = await verb();
  expect({ status, said: said.join('\n') }).toEqual({
    status: 2,
    said: expect.stringMatching(/error\[PK1004\]|error\[PK(1111|3806|3953)\]: [^]*nowhere[/]at-all/),
  });
});

test.each(['oci', 'oci-archive'])('a path of %s: that is something else is 2, too', async (scheme) => {
  const other = scheme === 'oci' ? at('set.yaml') : at('folder');
  expect(await run('inspect', `${scheme}:${other}:v1`)).toBe(2);
  expect(said.join('\n')).toContain('error[PK3953]');
});
