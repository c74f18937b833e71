import { defineConfig } from 'vitest/config';

export default defineConfig({
  // As the "exports" of package.json.
  resolve: { alias: { portkit: new URL('src/api.ts', import.meta.url).pathname } },
  test: {
    include: ['{src,frontends,exporters,test,bench}/**/*.test.ts'],
    exclude: ['test/faults/**', 'node_modules/**'],
    reporters: ['default', './test/reporter.ts'],
    testTimeout: 60_000,
    hookTimeout: 60_000,
    pool: 'forks',
    coverage: {
      provider: 'v8',
      include: ['src/**/*.ts'],
      exclude: ['src/cli/**', '**/*.test.ts'],
      thresholds: { 'src/base/**': { lines: 95 }, 'src/store/**': { lines: 90 } },
    },
  },
});
