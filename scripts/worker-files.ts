import type { Plugin } from 'esbuild';
import { readFileSync } from 'node:fs';

/** A worker is named by its source file; in a bundle it stands beside the program under its bundled name. */
export const workerFiles: Plugin = {
  name: 'worker files',
  setup(bundler) {
    bundler.onLoad({ filter: /hash-thread\.ts$/ }, ({ path }) => ({
      contents: readFileSync(path, 'utf8').replace('./hash-worker.ts', './hash-worker.mjs'),
      loader: 'ts',
    }));
  },
};
