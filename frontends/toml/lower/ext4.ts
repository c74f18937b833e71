import type { Ext4Spec } from '../../../src/graph/ops.ts';
import type { Step } from '../schema/definition.ts';
import type { Complain } from './complain.ts';
import { bytes, given } from './complain.ts';

/** `ext4 = { … }`; its headroom is a size or a share such as `"10%"`. */
export function ext4(step: NonNullable<Step['ext4']>, complain: Complain): Ext4Spec {
  const { from: _, size, headroom, inode_headroom: inodeHeadroom, ...rest } = step;
  const [, percent] = /^([0-9]{1,4})%$/.exec(`${headroom}`) ?? [];
  if (size !== undefined && headroom !== undefined) complain(['ext4', 'headroom'], 'an ext4 has a size or a headroom, not both');
  return {
    type: 'ext4',
    ...rest,
    ...given({
      size: bytes(size, ['ext4', 'size'], complain),
      ...(percent === undefined
        ? { headroom: bytes(headroom, ['ext4', 'headroom'], complain) }
        : { headroomPercent: Number(percent) }),
      inodeHeadroom,
    }),
  };
}
