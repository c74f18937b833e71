import { build } from 'esbuild';
import { chmodSync, copyFileSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { bundleOptions, packages, parts, workers } from './bundle-options.ts';

/** Makes build/portkit, a package that can be published: without any dependency, in a few parts that are read when they are needed. */
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
  ...bundleOptions,
  entryPoints: { portkit: 'src/cli/main.ts', ...workers },
  plugins: [parts, ...bundleOptions.plugins],
  outdir: folder,
  define: { PORTKIT_VERSION: JSON.stringify(version) },
});

await build({ ...bundleOptions, entryPoints: packages, outdir: folder });

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
