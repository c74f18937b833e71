import { existsSync, renameSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import type { ExportContext, Exporter, Prepared, Target } from '../../src/artifacts/exporter.ts';
import { byteString } from '../../src/base/byte-string.ts';
import { PortkitError } from '../../src/base/errors.ts';
import { copy } from '../../src/oci/copy/copy.ts';
import { folderTarget } from '../../src/oci/layout/folder.ts';
import { checkNames, chooseTargets } from '../files/choose.ts';
import { checkDirectory } from '../files/destination.ts';
import { destinationFailure } from '../files/failure.ts';
import { holdDirectory } from '../files/held.ts';
import { makeUnfinished, sweepUnfinished } from '../files/unfinished.ts';
import { exported, layoutResults } from './results.ts';

/** What an output in a layout folder is to be. */
export interface LayoutOutput {
  /** An absolute path. */
  readonly dest: string;
  readonly target: readonly string[];
  /** The tag of a single result. */
  readonly name?: string;
}

/** Writes results into a layout folder, beside what is there. */
export function layoutExporter(output: LayoutOutput): Exporter {
  return {
    check(targets) {
      checkNames(output.target, targets);
      checkDirectory(output.dest);
    },
    async prepare(targets, context) {
      try {
        return await prepare(output, chooseTargets(output.target, targets), context);
      } catch (error) {
        throw context.signal.aborted ? context.signal.reason : destinationFailure(error, output.dest);
      }
    },
  };
}

/** All is copied to a folder beside the destination, which becomes the destination, or is copied into what is there. */
async function prepare({ dest, name }: LayoutOutput, targets: readonly Target[], context: ExportContext): Promise<Prepared> {
  const results = await layoutResults(targets, context, name);
  const open = new DisposableStack();
  try {
    const parent = open.use(holdDirectory(dirname(dest)));
    sweepUnfinished(parent);
    const { folder } = open.use(makeUnfinished(parent));
    const staged = join(folder.at('layout').toString());
    const made = folderTarget(staged);
    for (const one of results) {
      const to = { target: made, name: one.tag };
      try {
        await copy({ source: one.source, name: one.name }, to, { signal: context.signal, referrers: true });
      } catch (error) {
        throw asOf(error, { staged, dest });
      }
    }
    return {
      async publish(signal) {
        signal.throwIfAborted();
        const counts = { written: 0, unchanged: 0 };
        if (existsSync(dest)) {
          const there = folderTarget(dest);
          const onEvent = ({ state }: { readonly state: string }): void => {
            if (state === 'stored') counts.written += 1;
            else if (state === 'existed') counts.unchanged += 1;
          };
          for (const { tag } of results) {
            await copy({ source: made, name: tag }, { target: there, name: tag }, { signal, referrers: true, onEvent });
          }
        } else {
          moveTo(staged, { path: parent.at(byteString(basename(dest))), dest });
          counts.written = results.reduce((sum, { files }) => sum + files, 0);
        }
        const paths = results.map((one) => exported(one, `oci:${dest}:${one.tag}`));
        return { type: 'oci-layout', destination: dest, exported: paths, ...counts, warnings: [] };
      },
      [Symbol.dispose]: () => open.dispose(),
    };
  } catch (error) {
    open.dispose();
    throw error;
  }
}

/** The error, about the destination: where it is made meanwhile says nothing to anybody. */
function asOf(error: unknown, { staged, dest }: { readonly staged: string; readonly dest: string }): unknown {
  if (!(error instanceof PortkitError) || !error.message.includes(staged)) return error;
  const { code, message, hint } = error;
  const cause = error.cause instanceof PortkitError ? error.cause.cause : error.cause;
  return new PortkitError(code, message.replaceAll(staged, dest), { ...(hint !== undefined && { hint }), cause });
}

/** What came there since it was looked for is not replaced. */
function moveTo(staged: string, { path, dest }: { readonly path: string | Buffer; readonly dest: string }): void {
  try {
    renameSync(staged, path);
  } catch (error) {
    throw destinationFailure(error, dest);
  }
}
