import type { Digest } from '../base/digest.ts';
import { PortkitError } from '../base/errors.ts';
import type { PartitionOptions } from '../formats/disk/plan.ts';
import { planDisk } from '../formats/disk/plan.ts';
import { diskStream } from '../formats/disk/write.ts';
import type { DiskSpec } from '../graph/disk-ops.ts';
import type { Op, OpContext } from '../solver/op.ts';
import { ofKind, openInput } from './input.ts';
import type { FileWorld } from './input.ts';
import { asOutcome } from './outcome.ts';

/** Images as the partitions of one raw disk. */
export function diskOp(spec: DiskSpec, world: FileWorld): Op {
  return {
    code: 'disk/1',
    pool: 'io',
    facts: () => Promise.resolve({ facts: factsOf(spec) }),
    run: (inputs, context) =>
      asOutcome(async () => {
        const images = spec.partitions.map(({ from }) => {
          const input = inputs[from];
          if (input === undefined) throw new PortkitError('PK3306', `The step has no input ${from}`);
          return ofKind(input, 'blob');
        });
        const table = planDisk({ ...spec, partitions: await asked(spec, images, { world, context }) });
        const stream = diskStream(table, ({ number }) => openInput(digestAt(images, number - 1), world, context), context.signal);
        const { digest } = await world.blobs.write(stream, context.signal);
        return { ok: true, outputs: [{ kind: 'blob', digest }] };
      }),
  };
}

function digestAt(images: readonly Digest[], at: number): Digest {
  const digest = images[at];
  if (digest === undefined) throw new Error(`There is no image ${at}`);
  return digest;
}

interface Surroundings {
  readonly world: FileWorld;
  readonly context: OpContext;
}

function asked(
  { partitions }: DiskSpec,
  images: readonly Digest[],
  { world, context }: Surroundings,
): Promise<readonly PartitionOptions[]> {
  return Promise.all(
    partitions.map(async (partition, at) => {
      const identity = digestAt(images, at);
      const info = await world.blobs.stat(identity, context.signal);
      if (info === undefined) throw new PortkitError('PK2002', `The blob ${identity} is not in the store`);
      return { ...partition, identity, contentSize: info.size };
    }),
  );
}

function factsOf({ partitions, uuid = '', size }: DiskSpec): Readonly<Record<string, string>> {
  const each = partitions.map(({ from, type, name = '', uuid: own = '', attributes = [], size: bytes }, at) => [
    `partition ${at + 1}`,
    JSON.stringify([from, type, name, own, attributes, bytes ?? '']),
  ]);
  return { uuid, size: size === undefined ? '' : `${size}`, ...Object.fromEntries(each) };
}
