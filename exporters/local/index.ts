import { existsSync } from 'node:fs';
import { dirname } from 'node:path';
import type { Exporter, Prepared } from '../../src/artifacts/exporter.ts';
import { PortkitError, systemCode } from '../../src/base/errors.ts';
import { checkNames, chooseTargets } from '../files/choose.ts';
import { checkDirectory } from '../files/destination.ts';
import { destinationFailure } from '../files/failure.ts';
import { holdDirectory } from '../files/held.ts';
import { sweepUnfinished } from '../files/unfinished.ts';
import { createDirectory } from './create.ts';
import type { LocalExport, LocalOutput, LocalPrepared } from './export.ts';
import { updateDirectory } from './update.ts';

/** Writes results into a directory; `isRoot` says whether owners can be given away. */
export function localExporter(output: LocalOutput, { isRoot }: { readonly isRoot: boolean }): Exporter {
  return {
    check(targets) {
      checkNames(output.target, targets);
      checkDirectory(output.dest);
      if (!output.keepOwner || isRoot) return;
      throw new PortkitError('PK3402', 'owner=keep needs root: only root can give files away', {
        hint: 'Leave it out, or use type=tar, which keeps owners',
      });
    },
    prepare: (targets, context) => prepare({ ...output, targets: chooseTargets(output.target, targets), context }),
  };
}

async function prepare(one: LocalExport): Promise<Prepared> {
  const open = new DisposableStack();
  try {
    const prepared = await prepareIn(one, open);
    return {
      publish: async (signal) => {
        try {
          const receipt = prepared.publish(signal);
          if (receipt !== 'taken') return receipt;
          using again = await prepare({ ...one, context: { ...one.context, signal } });
          return await again.publish(signal);
        } catch (error) {
          throw destinationFailure(error, one.dest);
        }
      },
      [Symbol.dispose]: () => open.dispose(),
    };
  } catch (error) {
    open.dispose();
    throw one.context.signal.aborted ? one.context.signal.reason : destinationFailure(error, one.dest);
  }
}

/** A directory that is there is updated, one that is not appears whole. */
async function prepareIn(one: LocalExport, open: DisposableStack): Promise<LocalPrepared> {
  if (!existsSync(one.dest)) {
    const parent = open.use(holdDirectory(dirname(one.dest)));
    sweepUnfinished(parent);
    return createDirectory(one, parent, open);
  }
  const there = open.use(holdDirectory(one.dest));
  sweepUnfinished(there);
  sweepReadable(dirname(one.dest));
  return updateDirectory(one, there, open);
}

/** What is beside a directory that is there may be none of our business. */
function sweepReadable(path: string): void {
  try {
    using directory = holdDirectory(path);
    sweepUnfinished(directory);
  } catch (error) {
    if (systemCode(error) !== 'EACCES') throw error;
  }
}
