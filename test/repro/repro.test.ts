import { spawnSync } from 'node:child_process';
import { chownSync, cpSync, globSync, lutimesSync, mkdirSync, mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { findProgram } from '../../src/base/find-program.ts';
import { together, variations } from './variations.ts';
import type { Variation } from './variations.ts';

/** A bootable set's agent and image, and a root file system as image and initrd: everything that needs no package source. */
const wanted = { 'examples/quickstart': ['rootfs.ext4'], 'examples/rootfs': [] } as const;
const missing = findProgram('cc', process.env['PATH'] ?? '') === undefined ? 'there is no cc' : undefined;
const isEach = process.env['REPRO_EACH'] === '1';

let folder: string;
const first: Record<string, string> = {};
const mounted: string[] = [];

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'portkit-repro-'));
  spawnSync('chmod', ['0755', folder]);
  if (missing === undefined) Object.assign(first, build('first', { name: 'first' }));
});
afterAll(() => {
  for (const place of mounted) spawnSync('umount', [place]);
  rmSync(folder, { recursive: true, force: true });
});

/** Copies the sources to a new place. */
function layOut(
  home: string,
  { folder: below = 'sources', isReversed = false, isDisordered = false, mtime }: NonNullable<Variation['sources']>,
): string {
  const place = join(home, below);
  const files = globSync(['examples/{quickstart,rootfs}/**', 'guest-agent/**'])
    .filter((path) => statSync(path).isFile())
    .toSorted();
  for (const path of isReversed ? files.toReversed() : files) {
    mkdirSync(dirname(join(place, path)), { recursive: true });
    cpSync(path, join(place, path), { preserveTimestamps: true });
    if (mtime !== undefined) lutimesSync(join(place, path), mtime, mtime);
  }
  if (!isDisordered) return place;
  const disordered = join(home, 'disordered');
  mkdirSync(disordered);
  const options = ['--quiet', '--multi-user=yes', '--shuffle-dirents=no', '--reverse-dirents=yes'];
  expect(spawnSync('disorderfs', [...options, place, disordered]).status).toBe(0);
  mounted.push(disordered);
  return disordered;
}

/** Builds everything anew, with an empty store; answers the digests of the targets. */
function build(name: string, { before = [], env = {}, options = [], sources = {}, uid }: Variation): Record<string, string> {
  const home = join(folder, name);
  mkdirSync(home);
  const place = layOut(home, sources);
  const store = join(home, 'store');
  mkdirSync(store, { mode: 0o700 });
  if (uid !== undefined) chownSync(store, uid, uid);
  const digests: Record<string, string> = {};
  for (const [example, targets] of Object.entries(wanted)) {
    const portkit = [process.execPath, join(process.cwd(), 'src/cli/main.ts'), 'build', ...targets, '--json', '--quiet'];
    const where = ['--file', join(place, example, 'portkit.toml'), '--project', place, '--root', store];
    const [program = '', ...argv] = [...before.flat(), ...portkit, ...where, ...options];
    // Steps of root run as somebody else, who has to get to where they work.
    const scratch = uid === undefined ? { PORTKIT_SCRATCH: join('/var/tmp', `portkit-test-${process.pid}`) } : {};
    const done = spawnSync(program, argv, {
      encoding: 'utf8',
      env: { PATH: process.env['PATH'], HOME: home, ...scratch, ...env },
    });
    expect(done, done.stderr).toMatchObject({ status: 0 });
    const { targets: made, steps } = JSON.parse(done.stdout) as {
      targets: Readonly<Record<string, { readonly digest: string }>>;
      steps: readonly { readonly step: string; readonly state: string }[];
    };
    // A step that was known already would show nothing.
    expect(steps.filter(({ state }) => state === 'done').length).toBeGreaterThan(1);
    for (const [target, { digest }] of Object.entries(made)) digests[`${example}: ${target}`] = digest;
  }
  return digests;
}

describe.skipIf(missing !== undefined)('the same bytes', () => {
  test('with everything otherwise at once', () => {
    expect(Object.keys(first).length).toBeGreaterThan(2);
    expect(build('together', together(variations))).toEqual(first);
  });

  test.for(variations)('with $name', (variation, { skip }) => {
    skip(variation.missing !== undefined, variation.missing);
    skip(!isEach, '"make repro" tries each by itself');
    expect(build(variation.name.replaceAll(' ', '-'), variation)).toEqual(first);
  });
});
if (missing !== undefined) test('the same bytes', ({ skip }) => skip(missing));
