import { writeSync } from 'node:fs';
import { version } from './version.ts';

/** The program: `--version` is answered before anything else is loaded, and without the slow `process.stdout`. */
function answeredVersion(): boolean {
  if (process.argv.length !== 3 || process.argv[2] !== '--version') return false;
  try {
    writeSync(1, `portkit ${version()}\n`);
    return true;
  } catch {
    // The long way tells why it could not be written.
    return false;
  }
}

if (!answeredVersion()) {
  const { run } = await import('./run.ts');
  process.exitCode = await run(process.argv.slice(2));
}
