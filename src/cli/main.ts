import { writeSync } from 'node:fs';
import { enableCompileCache } from 'node:module';
import { homedir } from 'node:os';
import { isAbsolute, join } from 'node:path';
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

/** Compiling takes as long as all else that a build of nothing does. The folder is the user's own: what is in it is run. */
function keepCompiled(): void {
  const caches = [process.env['XDG_CACHE_HOME'] ?? '', join(homedir(), '.cache')].find((folder) => isAbsolute(folder));
  if (caches !== undefined) enableCompileCache(join(caches, 'portkit', 'compiled'));
}

if (!answeredVersion()) {
  keepCompiled();
  const { run } = await import('./run.ts');
  process.exitCode = await run(process.argv.slice(2));
}
