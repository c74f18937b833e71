import { compress, compressionLibrary } from '../formats/compression/compress.ts';
import type { CompressSpec } from '../graph/ops.ts';
import type { Op } from '../solver/op.ts';
import { onlyInput, openInput } from './input.ts';
import type { FileWorld } from './input.ts';
import { asOutcome } from './outcome.ts';

/** Makes a blob smaller. The library is a fact, as another version of it may give other bytes. */
export function compressOp({ format, level }: CompressSpec, world: FileWorld): Op {
  const compression = level === undefined ? { format } : { format, level };
  return {
    code: 'compress/2',
    pool: 'cpu',
    facts: () => ({ facts: { format, level: level === undefined ? '' : `${level}`, library: compressionLibrary(format) } }),
    run: (inputs, context) =>
      asOutcome(async () => {
        const content = await openInput(onlyInput(inputs, 'blob'), world, context);
        const { digest } = await world.blobs.write(compress(content, compression, context.signal), context.signal);
        return { ok: true, outputs: [{ kind: 'blob', digest }] };
      }),
  };
}
