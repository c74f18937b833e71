import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { expect, test } from 'vitest';
import { hexOf } from '../../src/base/digest.ts';
import { describe } from '../../src/oci/model/produce.ts';
import { openStore } from '../../src/store/open.ts';
import { say, startServer } from '../oci/server.ts';

/** Stores a blob that is long enough for verify to use its threads, and damages its last byte. */
async function storeDamaged(root: string, file: string): Promise<string> {
  const size = 64 << 20;
  writeFileSync(file, '');
  truncateSync(file, size);
  await using store = openStore(root, { now: () => 1 });
  const { digest } = await store.blobs.writeFile(file, new AbortController().signal);
  const stored = join(store.directory, 'blobs/sha256', hexOf(digest));
  chmodSync(stored, 0o644);
  truncateSync(stored, size - 1);
  writeFileSync(stored, 'x', { flag: 'a' });
  return digest;
}

test('the bundle runs on a plain Node, away from the checkout, and finds its thread', async () => {
  execFileSync(process.execPath, ['scripts/bundle.ts']);
  const folder = mkdtempSync(join(tmpdir(), 'portkit-bundle-'));
  try {
    cpSync('build/portkit', folder, { recursive: true });
    const program = join(folder, 'portkit.mjs');
    const run = (...args: readonly string[]) =>
      spawnSync(process.execPath, [program, ...args], {
        encoding: 'utf8',
        cwd: folder,
        env: { PATH: process.env['PATH'], HOME: folder },
      });
    expect(run('--version').stdout).toMatch(/^portkit \d/);
    expect(run('explain', 'PK2001')).toMatchObject({ status: 0, stdout: expect.stringContaining('PK2001') });
    expect(run('cache', 'verify', '--json')).toMatchObject({ status: 0, stderr: '' });
    const digest = await storeDamaged(join(folder, 'root'), join(folder, 'long'));
    const verified = run('cache', 'verify', '--json', '--root', join(folder, 'root'));
    expect(verified.stderr).toBe('');
    expect(JSON.parse(verified.stdout)).toMatchObject({ findings: [{ name: digest, detail: 'its bytes have another digest' }] });
    expect(run('no-such-command').status).toBe(2);
    await expectFetch(folder);
    expectApi(folder, run);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});

/** Downloads of the bundle: what speaks HTTP is in it. */
async function expectFetch(folder: string): Promise<void> {
  await using server = await startServer((_, response) => say(response, 200, {}, 'hello'));
  const { digest } = describe(Buffer.from('hello'), 'text/plain');
  const definition = `[steps.hello]\nfetch = { url = "${server.origin}/hello", sha256 = "${digest.slice(7)}" }\n`;
  writeFileSync(join(folder, 'fetch.toml'), definition);
  const args = ['portkit.mjs', 'build', '--quiet', '--file', 'fetch.toml'];
  const child = spawn(process.execPath, args, { cwd: folder, env: { PATH: process.env['PATH'], HOME: folder } });
  const printed = Promise.all([text(child.stdout), text(child.stderr)]);
  const [status] = await once(child, 'close');
  expect([status, ...(await printed)]).toEqual([0, `${digest}\n`, '']);
}

/** Plugins of the bundle: `portkit` is the bundle itself, its errors are ours, its conformance suite runs, and its types are there. */
function expectApi(
  folder: string,
  run: (...args: readonly string[]) => { readonly status: number | null; readonly stderr: string },
): void {
  cpSync('examples/exporter-plugin/index.ts', join(folder, 'plugin.ts'));
  mkdirSync(join(folder, 'src'));
  writeFileSync(join(folder, 'src/hello'), 'hello');
  writeFileSync(
    join(folder, 'portkit.ts'),
    "import { graph } from 'portkit';\nexport default graph(({ local }) => ({ src: local('src', { path: 'src' }) }));\n",
  );
  const build = (output: string): ReturnType<typeof run> => run('build', '--file', 'portkit.ts', '--output', output);
  expect(build('type=plugin,from=./plugin.ts,dest=layout')).toMatchObject({ status: 0 });
  expect(readdirSync(join(folder, 'layout'))).toContain('index.json');
  expect(build('type=plugin,from=./plugin.ts,dest=layout,target=scr').stderr).toContain('error[PK3403]');

  mkdirSync(join(folder, 'author/node_modules'), { recursive: true });
  symlinkSync(folder, join(folder, 'author/node_modules/portkit'));
  const suite = `
    import { exporterConformance } from 'portkit/exporter-conformance';
    import type { ConformanceCase } from 'portkit/exporter-conformance';
    import type { Exporter } from 'portkit';
    const broken: Exporter = { check() {}, prepare: () => Promise.reject(new Error('nothing works')) };
    const cases: readonly ConformanceCase[] = exporterConformance(() => ({ exporter: broken, published: () => '' }));
    let failed = 0;
    for (const { run } of cases) await run().catch(() => (failed += 1));
    console.log(failed, cases.length);`;
  writeFileSync(join(folder, 'author/suite.ts'), suite);
  const ran = spawnSync(process.execPath, ['suite.ts'], { cwd: join(folder, 'author'), encoding: 'utf8' });
  expect(ran).toMatchObject({ status: 0, stdout: '18 18\n' });
  symlinkSync(join(process.cwd(), 'node_modules/@types'), join(folder, 'author/node_modules/@types'));
  const options = ['--noEmit', '--strict', '--module', 'nodenext', '--target', 'esnext', '--types', 'node'];
  const tsc = join(process.cwd(), 'node_modules/.bin/tsc');
  expect(spawnSync(tsc, [...options, 'suite.ts'], { cwd: join(folder, 'author'), encoding: 'utf8' })).toMatchObject({
    status: 0,
    stdout: '',
  });
}
