import { PortkitError } from '../base/errors.ts';
import { decompress, defaultDecompressLimits, detectCompression } from '../formats/compression/decompress.ts';
import type { Unxz } from '../formats/compression/decompress.ts';
import type { DecompressSpec } from '../graph/ops.ts';
import type { Op } from '../solver/op.ts';
import { onlyInput, openInput } from './input.ts';
import type { FileWorld } from './input.ts';
import { asOutcome } from './outcome.ts';

/** What reading compressed blobs takes. */
export interface DecompressWorld extends FileWorld {
  readonly unxz: Unxz;
}

/** Makes a blob large again; without a format, whichever it begins like. */
export function decompressOp(spec: DecompressSpec, world: DecompressWorld): Op {
  return {
    code: 'decompress/1',
    pool: 'cpu',
    facts: () => ({ facts: { format: spec.format ?? '' } }),
    run: (inputs, context) =>
      asOutcome(async () => {
        const { format, content } = await detectCompression(await openInput(onlyInput(inputs, 'blob'), world, context));
        if (format === undefined || (spec.format ?? format) !== format) {
          await content.return(undefined);
          throw new PortkitError('PK3306', `The file is not compressed with ${spec.format ?? 'gzip, zstd, xz or lz4'}`, {
            hint: format === undefined ? 'It begins like none of gzip, zstd, xz and legacy LZ4' : `It begins like ${format}`,
          });
        }
        const help = { format, limits: defaultDecompressLimits, unxz: world.unxz };
        const { digest } = await world.blobs.write(decompress(content, help, context.signal), context.signal);
        return { ok: true, outputs: [{ kind: 'blob', digest }] };
      }),
  };
}
