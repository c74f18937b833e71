import type { BuildOptions, Plugin } from 'esbuild';
import { readFileSync } from 'node:fs';

/** A file of its own is named by its source; in a bundle it stands beside the program under its bundled name. */
const workerFiles: Plugin = {
  name: 'worker files',
  setup(bundler) {
    bundler.onLoad({ filter: /(hash-thread|read-ahead|spawner|own-api)\.ts$/ }, ({ path }) => ({
      contents: readFileSync(path, 'utf8').replace(
        /new URL\('[^']*\/(hash-worker|read-ahead-worker|spawner-process|api)\.ts'/,
        "new URL('./$1.mjs'",
      ),
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
    bundler.onResolve({ filter: /^node:/ }, ({ path, kind }) => ({
      path,
      namespace: kind === 'require-call' ? 'required builtin' : 'builtin',
      sideEffects: false,
    }));
    // Some of them are functions or classes: whoever requires one gets it as it is.
    bundler.onLoad({ filter: /./, namespace: 'required builtin' }, ({ path }) => ({
      contents: `module.exports = process.getBuiltinModule('${path}');`,
    }));
    bundler.onLoad({ filter: /./, namespace: 'builtin' }, ({ path }) => {
      const names = Object.keys(process.getBuiltinModule(path) ?? {}).filter((name) => /^[a-z]\w*$/i.test(name));
      const load = `const builtin = process.getBuiltinModule('${path}');\n`;
      return {
        contents: load + names.map((name) => `export const ${name} = /* @__PURE__ */ (() => builtin.${name})();`).join('\n'),
      };
    });
  },
};

/** Large packages that most commands do not need: files of their own. */
const apart = ['openpgp'];

/** The entries of the packages that stand apart. */
export const packages = Object.fromEntries(apart.map((name) => [`package-${name}`, name]));

/** What is read only when it is needed: large packages, what tells the faults of a definition, all but the answer to `--version`. */
export const parts: Plugin = {
  name: 'parts',
  setup(bundler) {
    bundler.onResolve({ filter: new RegExp(`^(?:${apart.join('|')})$`) }, ({ path }) => ({
      path: `./package-${path}.mjs`,
      external: true,
    }));
    bundler.onResolve({ filter: /^\.\/(?:run|issues)\.ts$/ }, ({ importer }) => {
      if (importer.endsWith('/cli/main.ts')) return { path: './program.mjs', external: true };
      return importer.endsWith('/toml/index.ts') ? { path: './definition-issues.mjs', external: true } : undefined;
    });
  },
};

/** What runs or is imported beside the program, by its bundled name: a thread, the helper that starts commands, the API of portkit.ts and plugins. */
export const workers = {
  program: 'src/cli/run.ts',
  'definition-issues': 'frontends/toml/issues.ts',
  'hash-worker': 'src/store/disk/hash-worker.ts',
  'read-ahead-worker': 'src/images/read-ahead-worker.ts',
  'spawner-process': 'src/execution/spawner-process.ts',
  api: 'src/api.ts',
  'exporter-conformance': 'src/artifacts/conformance/exporter.ts',
};

/** How everything that is measured or published is bundled. */
export const bundleOptions = {
  outExtension: { '.js': '.mjs' },
  bundle: true,
  minify: true,
  platform: 'node',
  format: 'esm',
  target: 'node24',
  plugins: [workerFiles, lateBuiltins],
} satisfies BuildOptions;
