import { expect, test } from 'vitest';
import { aclFromDisk, aclToDisk } from './acl.ts';
import { crc32c, crc32cOfNumber } from './crc32c.ts';
import { decodeDevice, encodeDevice } from './device.ts';
import { hasBackup } from './group.ts';
import { decodeTime, encodeTime, firstSecond, lastSecond } from './time.ts';
import { xattrEntryHash } from './xattr.ts';

const text = (words: string): Buffer => Buffer.from(words);

test('crc32c is the one of RFC 3720, without the last inversion, at every length and alignment', () => {
  expect(~crc32c(0xffff_ffff, text('123456789')) >>> 0).toBe(0xe306_9283);
  expect(~crc32c(0xffff_ffff, Buffer.alloc(32)) >>> 0).toBe(0x8a91_36aa);
  expect(~crc32c(0xffff_ffff, Buffer.alloc(32, 0xff)) >>> 0).toBe(0x62a8_ab43);
  const bytes = Buffer.from(Array.from({ length: 64 }, (_, at) => (at * 37) & 0xff));
  for (let cut = 0; cut <= 64; cut += 1) {
    expect(crc32c(crc32c(7, bytes.subarray(0, cut)), bytes.subarray(cut))).toBe(crc32c(7, bytes));
  }
  expect(crc32cOfNumber(5, 0xdead_beef)).toBe(crc32c(5, Buffer.from([0xef, 0xbe, 0xad, 0xde])));
});

test('times from 1901 to 2446 keep their seconds and nanoseconds', () => {
  for (const seconds of [firstSecond, -1, 0, 2 ** 31 - 1, 2 ** 31, 2 ** 32, 2_208_988_800, lastSecond]) {
    for (const nanos of [0, 1, 999_999_999]) {
      const disk = encodeTime({ seconds, nanos });
      expect(decodeTime(disk)).toEqual({ seconds, nanos });
      expect(disk.low).toBe(((seconds % 2 ** 32) + 2 ** 32) % 2 ** 32);
    }
  }
  expect(encodeTime({ seconds: 2 ** 31, nanos: 0 }).extra).toBe(1);
});

test('devices take the old form where they fit in it', () => {
  expect(encodeDevice({ major: 5, minor: 1 })).toEqual([0x501, 0]);
  for (const device of [
    { major: 5, minor: 1 },
    { major: 259, minor: 70_000 },
    { major: 0xfff, minor: 0xf_ffff },
    { major: 0, minor: 0 },
  ]) {
    expect(decodeDevice(encodeDevice(device))).toEqual(device);
  }
});

test('copies of the superblock stand in groups 0, 1 and powers of 3, 5 and 7', () => {
  const groups = Array.from({ length: 350 }, (_, group) => group).filter(hasBackup);
  expect(groups).toEqual([0, 1, 3, 5, 7, 9, 25, 27, 49, 81, 125, 243, 343]);
});

test('an ACL goes to its form on disk and back', () => {
  const entry = (tag: number, permissions: number, id = 0xffff_ffff): Buffer => {
    const made = Buffer.alloc(8);
    made.writeUInt16LE(tag, 0);
    made.writeUInt16LE(permissions, 2);
    made.writeUInt32LE(id, 4);
    return made;
  };
  const acl = Buffer.concat([
    Buffer.from([2, 0, 0, 0]),
    entry(1, 7),
    entry(2, 5, 100_000),
    entry(4, 5),
    entry(16, 5),
    entry(32, 0),
  ]);
  const disk = aclToDisk(acl);
  expect(disk?.length).toBe(4 + 4 + 8 + 4 + 4 + 4);
  expect(disk === undefined ? undefined : aclFromDisk(disk)).toEqual(acl);
  expect(aclToDisk(acl.subarray(0, 11))).toBeUndefined();
  expect(aclToDisk(Buffer.from([1, 0, 0, 0]))).toBeUndefined();
  expect(aclFromDisk(Buffer.from([1, 0, 0, 0, 2, 0, 7, 0]))).toBeUndefined();
});

test('the hash of an attribute takes characters as signed and pads the value with zeros', () => {
  expect(xattrEntryHash(text('a'), text(''))).toBe(0x61);
  expect(xattrEntryHash(Buffer.from([0xff]), text(''))).toBe(0xffff_ffff);
  expect(xattrEntryHash(text('a'), Buffer.from([1]))).toBe(((0x61 << 16) ^ 1) >>> 0);
});
