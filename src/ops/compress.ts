import type { CompressSpec } from '../graph/ops.ts';
import type { Op } from '../solver/op.ts';
import { onlyInput, openInput } from './input.ts';
import type { FileWorld } from './input.ts';
import { asOutcome } from './outcome.ts';
import type { Packer } from './packer.ts';

/** What making blobs smaller takes. */
export interface PackWorld extends FileWorld {
  readonly packer: Packer;
}

/** Makes a blob smaller. The library or program is a fact, as another version of it may give other bytes. */
export function compressOp({ format, level }: CompressSpec, world: PackWorld): Op {
  const factsWith = (library: string) => ({ facts: { format, level: level === undefined ? '' : `${level}`, library } });
  const compression = level === undefined ? { format } : { format, level };
  return {
    code: 'compress/2',
    pool: 'cpu',
    facts({ signal }) {
      const library = world.packer.maker(format, signal);
      return typeof library === 'string' ? factsWith(library) : library.then(factsWith);
    },
    run: (inputs, context) =>
      asOutcome(async () => {
        const content = await openInput(onlyInput(inputs, 'blob'), world, context);
        const { digest } = await world.blobs.write(world.packer.pack(content, compression, context.signal), context.signal);
        return { ok: true, outputs: [{ kind: 'blob', digest }] };
      }),
  };
}
