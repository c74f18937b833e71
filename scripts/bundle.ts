import { build } from 'esbuild';
import { chmodSync, copyFileSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';

/** Makes build/portkit: the program as one file (beside it its hashing thread and the helper that starts commands), and a package that can be published. */
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
  entryPoints: {
    portkit: 'src/cli/main.ts',
    'hash-worker': 'src/store/disk/hash-worker.ts',
    'spawner-process': 'src/execution/spawner-process.ts',
  },
  outdir: folder,
  outExtension: { '.js': '.mjs' },
  bundle: true,
  minify: true,
  keepNames: true,
  platform: 'node',
  format: 'esm',
  target: 'node24',
  define: { PORTKIT_VERSION: JSON.stringify(version) },
  plugins: [
    {
      name: 'worker files',
      setup(bundler) {
        // A worker or helper is named by its source file; in the package it stands beside the program under its bundled name.
        bundler.onLoad({ filter: /\/(hash-pool|spawner)\.ts$/ }, ({ path }) => ({
          contents: readFileSync(path, 'utf8').replace(/(new URL\('\.\/[a-z-]+)\.ts'/, "$1.mjs'"),
          loader: 'ts',
        }));
      },
    },
  ],
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
