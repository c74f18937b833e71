import { build } from 'esbuild';
import { chmodSync, copyFileSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { bundleOptions, workers } from './bundle-options.ts';

/** Makes build/portkit, a package that can be published: the program in parts that are read when they are needed, without any dependency. */
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
  // What a command does not need is in a file that it does not read.
  splitting: true,
  chunkNames: 'part-[hash]',
  outdir: folder,
  define: { PORTKIT_VERSION: JSON.stringify(version) },
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
