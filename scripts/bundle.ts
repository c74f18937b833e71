import { build } from 'esbuild';
import { chmodSync, copyFileSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { workerFiles } from './worker-files.ts';

/** Makes build/portkit: the program as one file (and its hashing thread), and a package that can be published. */
interface Manifest {
  readonly name: string;
  readonly version: string;
  readonly description: string;
  readonly license: string;
  readonly engines: unknown;
}
const { name, version, description, license, engines } = JSON.parse(readFileSync('package.json', 'utf8')) as Manifest;
const folder = 'build/portkit';
rmSync(folder, { recursive: true, force: true });
mkdirSync(folder, { recursive: true });

await build({
  entryPoints: { portkit: 'src/cli/main.ts', 'hash-worker': 'src/store/disk/hash-worker.ts' },
  outdir: folder,
  outExtension: { '.js': '.mjs' },
  bundle: true,
  minify: true,
  keepNames: true,
  platform: 'node',
  format: 'esm',
  target: 'node24',
  define: { PORTKIT_VERSION: JSON.stringify(version) },
  plugins: [workerFiles],
});

const program = `${folder}/portkit.mjs`;
writeFileSync(program, `#!/usr/bin/env node\n${readFileSync(program, 'utf8')}`);
chmodSync(program, 0o755);
copyFileSync('LICENSE', `${folder}/LICENSE`);
copyFileSync('README.md', `${folder}/README.md`);
const manifest = {
  name,
  version,
  description,
  license,
  type: 'module',
  bin: { portkit: 'portkit.mjs' },
  files: ['*.mjs'],
  engines,
};
writeFileSync(`${folder}/package.json`, `${JSON.stringify(manifest, null, 2)}\n`);
