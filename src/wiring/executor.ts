import { chmodSync, mkdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PortkitError } from '../base/errors.ts';
import { findProgram } from '../base/find-program.ts';
import type { Executor } from '../execution/executor.ts';
import { createLazyExecutor } from '../execution/lazy.ts';
import type { Store } from '../store/store.ts';

/** The sandbox of this machine, with its helper process: started by the first command, so that a build of nothing starts none. */
export function localExecutor(store: Store, signal: AbortSignal): Executor & AsyncDisposable {
  return createLazyExecutor(async () => {
    const [{ createSpawner }, { createLocalExecutor }] = await Promise.all([
      import('../execution/spawner.ts'),
      import('../execution/local.ts'),
    ]);
    const scratch = scratchFolder(store);
    makeScratch(scratch);
    await using held = new AsyncDisposableStack();
    const spawner = held.use(createSpawner({ folder: tmpdir() }));
    const folders = { scratch: join(scratch, 'work'), caches: join(scratch, 'caches') };
    const options = { store, spawner, folders, bwrap: findBwrap(), keepBytes: 2 ** 31 };
    const executor = held.use(await createLocalExecutor(options, signal));
    const kept = held.move();
    return { run: (command, context) => executor.run(command, context), [Symbol.asyncDispose]: () => kept.disposeAsync() };
  });
}

/**
 * Where commands work: beside the store, which is on the same disk; but root's commands run as a stranger who has to be
 * able to get there, which a home folder does not allow.
 */
function scratchFolder(store: Store): string {
  const given = process.env['PORTKIT_SCRATCH'];
  if (given !== undefined && given !== '') return given;
  return process.getuid?.() === 0 ? '/var/tmp/portkit' : join(store.directory, 'scratch');
}

/** Commands have to be able to pass through it, whatever the umask; whether it is safe to use is the executor's to say. */
function makeScratch(folder: string): void {
  if (mkdirSync(folder, { recursive: true, mode: 0o711 }) !== undefined) chmodSync(folder, 0o711);
}

function findBwrap(): string {
  const found = findProgram('bwrap', process.env['PATH'] ?? '');
  if (found !== undefined) return found;
  throw new PortkitError('PK6901', 'bubblewrap is not installed: steps run in its sandbox', {
    hint: 'apt-get install -y bubblewrap',
  });
}
