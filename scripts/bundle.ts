import { build } from 'esbuild';
import { execFileSync } from 'node:child_process';
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

// What a TypeScript definition or plugin is checked against.
execFileSync('node_modules/.bin/tsc', ['-p', 'scripts/tsconfig.types.json'], { stdio: 'inherit' });

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
  exports: {
    '.': { types: './types/src/api.d.ts', default: './api.mjs' },
    './exporter-conformance': {
      types: './types/src/artifacts/conformance/exporter.d.ts',
      default: './exporter-conformance.mjs',
    },
    './package.json': './package.json',
  },
  files: ['*.mjs', 'types'],
  engines,
};
writeFileSync(`${folder}/package.json`, `${JSON.stringify(manifest, null, 2)}\n`);
