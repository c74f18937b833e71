import { archived } from '../../src/artifacts/archived.ts';
import type { ExportContext, Receipt, Target } from '../../src/artifacts/exporter.ts';
import { showBytes } from '../../src/base/byte-string.ts';
import { writeTar } from '../../src/formats/tar/write.ts';
import { layout, placeOf } from '../files/layout.ts';
import { startTally } from '../files/tally.ts';

/** What a tar is to be. */
export interface TarOutput {
  /** An absolute path, or `-`. */
  readonly dest: string;
  readonly src: readonly string[];
  readonly target: readonly string[];
}

/** Takes the bytes of standard output, in order; resolves when it can take more. */
export type WriteOut = (bytes: Uint8Array) => Promise<void>;

/** The bytes of the tar, and afterwards what was in it. */
export interface Contents {
  bytes(context: ExportContext): AsyncGenerator<Uint8Array>;
  receipt(files: { readonly written: number; readonly unchanged: number }): Receipt;
}

/** The one tar of these targets. */
export function tarOf({ dest, src }: TarOutput, targets: readonly Target[]): Contents {
  const tally = startTally(targets);
  async function* counted(context: ExportContext): ReturnType<typeof layout> {
    for await (const placed of layout(targets, src, context)) {
      tally.add(placed);
      yield placed;
    }
  }
  return {
    bytes: (context) => writeTar(archived(counted(context), context.blobs, context.signal), context.signal),
    receipt: (files) => ({
      type: 'tar',
      destination: dest,
      exported: tally.exported((target) => {
        // A tree that is alone has the whole tar.
        const place = placeOf(target, targets);
        return dest === '-' || place === '' ? dest : `${dest}:${showBytes(place)}`;
      }),
      ...files,
      warnings: [],
    }),
  };
}
