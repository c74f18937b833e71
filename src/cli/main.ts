import { enableCompileCache } from 'node:module';
import { version } from './version.ts';

/** The program: `--version` is answered before anything else is loaded. */
if (process.argv.length === 3 && process.argv[2] === '--version') {
  process.stdout.write(`portkit ${version()}\n`);
} else {
  enableCompileCache();
  const { run } = await import('./run.ts');
  process.exitCode = await run(process.argv.slice(2));
}
