import type { DiskOver } from '../../../src/graph/wire.ts';
import type { VfatSpec } from '../../../src/graph/disk-ops.ts';
import type { Step } from '../schema/definition.ts';
import type { Complain } from './complain.ts';
import { bytes, given } from './complain.ts';

/** `disk = { … }`. */
export function disk({ partitions, size, ...rest }: NonNullable<Step['disk']>, complain: Complain): DiskOver<string> {
  return {
    ...rest,
    ...given({ size: bytes(size, ['disk', 'size'], complain) }),
    partitions: partitions.map(({ size: own, ...partition }, at) => ({
      ...partition,
      ...given({ size: bytes(own, ['disk', 'partitions', at, 'size'], complain) }),
    })),
  };
}

/** `vfat = { … }`. */
export function vfat(step: NonNullable<Step['vfat']>, complain: Complain): VfatSpec {
  const { from: _, size, ...rest } = step;
  return { type: 'vfat', ...rest, ...given({ size: bytes(size, ['vfat', 'size'], complain) }) };
}
