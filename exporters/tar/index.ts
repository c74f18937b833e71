import type { Exporter } from '../../src/artifacts/exporter.ts';
import { checkNames, chooseTargets } from '../files/choose.ts';
import { checkFile } from '../files/destination.ts';
import { destinationFailure } from '../files/failure.ts';
import { prepareWholeFile } from '../files/whole-file.ts';
import { tarOf } from './contents.ts';
import type { TarOutput, WriteOut } from './contents.ts';
import { prepareStream } from './stream.ts';

/** Writes results as one tar: to a file, or with the destination `-` to what is given as standard output. */
export function tarExporter(output: TarOutput, { writeOut }: { readonly writeOut: WriteOut }): Exporter {
  const { dest } = output;
  return {
    check(targets) {
      checkNames(output.target, targets);
      if (dest !== '-') checkFile(dest);
    },
    async prepare(all, context) {
      const targets = chooseTargets(output.target, all);
      try {
        if (dest === '-') return await prepareStream(output, targets, { context, writeOut });
        return await prepareWholeFile({ dest, ...tarOf(output, targets) }, context);
      } catch (error) {
        throw context.signal.aborted ? context.signal.reason : destinationFailure(error, dest);
      }
    },
  };
}
