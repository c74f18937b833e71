import { expect, test } from 'vitest';
import { acl, xattr } from '../../../test/formats/file-trees.ts';
import { planXattrs } from './xattrs.ts';

test('attributes of a block are sorted by kind, length of the name and name, in whatever order they come', () => {
  const value = Buffer.alloc(100);
  const names = ['user.b', 'security.zz', 'user.aa', 'trusted.a', 'user.a', 'security.b'];
  const all = [...names.map((name) => xattr(name, value)), xattr('system.posix_acl_access', acl)];
  const sorted = ['1 a', '1 b', '1 aa', '2 ', '4 a', '6 b', '6 zz'];
  for (const xattrs of [all, all.toReversed()]) {
    const { inInode, inBlock } = planXattrs(xattrs, (why) => new Error(why));
    const block = inBlock.map(({ index, name }) => `${index} ${name.toString()}`);
    const elsewhere = inInode.map(({ index, name }) => `${index} ${name.toString()}`);
    expect(block.length).toBeGreaterThanOrEqual(5);
    expect(block).toEqual(sorted.filter((one) => !elsewhere.includes(one)));
    expect([...block, ...elsewhere].toSorted()).toEqual(sorted.toSorted());
  }
});
