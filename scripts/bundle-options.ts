import type { BuildOptions, Plugin } from 'esbuild';
import { readFileSync } from 'node:fs';

/** A worker is named by its source file; in a bundle it stands beside the program under its bundled name. */
const workerFiles: Plugin = {
  name: 'worker files',
  setup(bundler) {
    bundler.onLoad({ filter: /hash-thread\.ts$/ }, ({ path }) => ({
      contents: readFileSync(path, 'utf8').replace('./hash-worker.ts', './hash-worker.mjs'),
      loader: 'ts',
    }));
  },
};

/**
 * Node's own modules are loaded by the module that uses them, when that one is: esbuild would load all of them at once,
 * and `--version` needs one (the others take as long as half of bare Node).
 */
const lateBuiltins: Plugin = {
  name: 'late builtins',
  setup(bundler) {
    bundler.onResolve({ filter: /^node:/ }, ({ path }) => ({ path, namespace: 'builtin', sideEffects: false }));
    bundler.onLoad({ filter: /./, namespace: 'builtin' }, ({ path }) => {
      const names = Object.keys(process.getBuiltinModule(path) ?? {}).filter((name) => /^[a-z]\w*$/i.test(name));
      const load = `const builtin = process.getBuiltinModule('${path}');\n`;
      return {
        contents: load + names.map((name) => `export const ${name} = /* @__PURE__ */ (() => builtin.${name})();`).join('\n'),
      };
    });
  },
};

/** The programs that run as threads, by their bundled names. */
export const workers = { 'hash-worker': 'src/store/disk/hash-worker.ts' };

/** How everything that is measured or published is bundled. */
export const bundleOptions = {
  outExtension: { '.js': '.mjs' },
  bundle: true,
  minify: true,
  keepNames: true,
  platform: 'node',
  format: 'esm',
  target: 'node24',
  plugins: [workerFiles, lateBuiltins],
} satisfies BuildOptions;
