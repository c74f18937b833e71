import { PortkitError } from '../base/errors.ts';
import type { VerityOptions } from '../formats/verity/options.ts';
import { verityImage, verityRootHash, verityTree } from '../formats/verity/write.ts';
import type { VeritySpec } from '../graph/disk-ops.ts';
import type { Op } from '../solver/op.ts';
import { onlyInput, openInput } from './input.ts';
import type { FileWorld } from './input.ts';
import { asOutcome } from './outcome.ts';

/** The dm-verity hash tree of an image, the image with it, or its root hash as a line of text. */
export function verityOp(spec: VeritySpec, world: FileWorld): Op {
  const { output = 'tree', salt, uuid } = spec;
  return {
    code: 'verity/1',
    pool: 'cpu',
    facts: () =>
      Promise.resolve({ facts: { output, salt: salt === undefined ? 'derived' : `given ${salt}`, uuid: uuid ?? 'derived' } }),
    run: (inputs, context) =>
      asOutcome(async () => {
        const identity = onlyInput(inputs, 'blob');
        const info = await world.blobs.stat(identity, context.signal);
        if (info === undefined) throw new PortkitError('PK2002', `The blob ${identity} is not in the store`);
        const made = formOf(output)(await openInput(identity, world, context), { ...spec, identity, size: info.size });
        const { digest } = await world.blobs.write(made, context.signal);
        return { ok: true, outputs: [{ kind: 'blob', digest }] };
      }),
  };
}

type Form = (data: AsyncIterable<Uint8Array>, options: VerityOptions) => AsyncIterable<Uint8Array>;

function formOf(output: NonNullable<VeritySpec['output']>): Form {
  if (output === 'root-hash') return rootHashLine;
  return output === 'image' ? verityImage : verityTree;
}

async function* rootHashLine(data: AsyncIterable<Uint8Array>, options: VerityOptions): AsyncGenerator<Uint8Array> {
  yield Buffer.from(`${await verityRootHash(data, options)}\n`);
}
