import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { byteString, fromBytes, nodePath, showBytes, toBytes } from '../../base/byte-string.ts';
import type { ByteString } from '../../base/byte-string.ts';
import { digestOf } from '../../base/digest.ts';
import { PortkitError } from '../../base/errors.ts';
import { decodeNode } from './decode.ts';
import { encodeNode } from './encode.ts';
import type { Entry, TreeNode } from './node.ts';

const names = fc
  .uint8Array({ minLength: 1, maxLength: 255 })
  .map(fromBytes)
  .filter((name) => !/[/\0]/.test(name) && name !== '.' && name !== '..');
const u32 = fc.integer({ min: 0, max: 0xffffffff });
const attributes = fc.record({
  mode: fc.integer({ min: 0, max: 0o7777 }),
  uid: u32,
  gid: u32,
  mtime: fc.record({ seconds: fc.maxSafeInteger(), nanos: fc.integer({ min: 0, max: 999_999_999 }) }),
  xattrs: fc
    .uniqueArray(fc.record({ name: names, value: fc.uint8Array() }), { selector: (one) => one.name, maxLength: 3 })
    .map((list) => list.toSorted((a, b) => (a.name < b.name ? -1 : 1))),
});
const digests = fc.uint8Array({ minLength: 4, maxLength: 4 }).map(digestOf);
const payloads = fc.oneof(
  fc.record({ type: fc.constant('dir' as const), node: digests }),
  fc.tuple(fc.record({ type: fc.constant('file' as const), content: digests, size: fc.maxSafeNat() }), attributes),
  fc.tuple(fc.record({ type: fc.constant('symlink' as const), target: names }), attributes),
  fc.tuple(fc.record({ type: fc.constantFrom('char' as const, 'block' as const), major: u32, minor: u32 }), attributes),
  fc.tuple(fc.record({ type: fc.constant('fifo' as const) }), attributes),
);
const entries = fc
  .uniqueArray(fc.tuple(names, payloads), { selector: ([name]) => name, maxLength: 8 })
  .map((list) =>
    list
      .map(([name, payload]): Entry => (Array.isArray(payload) ? { name, ...payload[0], ...payload[1] } : { name, ...payload }))
      .toSorted((a, b) => (a.name < b.name ? -1 : 1)),
  );
const nodes = fc.tuple(attributes, entries).map(([own, list]): TreeNode => {
  const files = list.filter((entry) => entry.type === 'file').map((entry) => entry.name);
  return { ...own, entries: list, links: files.length >= 2 ? [files] : [] };
});

const plain = { mode: 0o755, uid: 0, gid: 0, mtime: { seconds: 0, nanos: 0 }, xattrs: [] };
function file(name: string): Entry {
  return { ...plain, type: 'file', name: byteString(name), content: digestOf(name), size: 1 };
}
function dir(name: string): Entry {
  return { type: 'dir', name: byteString(name), node: digestOf(name) };
}
function node(list: readonly Entry[], links: readonly (readonly string[])[] = []): TreeNode {
  return { ...plain, entries: list, links: links.map((group) => group.map(byteString)) };
}

describe('a node', () => {
  test('comes back from its encoding, and has one encoding', () => {
    fc.assert(
      fc.property(nodes, (one) => {
        const bytes = encodeNode(one);
        const back = decodeNode(bytes, 'x');
        expect(back).toEqual(one);
        expect(Buffer.from(encodeNode(back)).equals(bytes)).toBe(true);
      }),
      { numRuns: 500 },
    );
  });

  test('damaged, is refused with a code or is another canonical node', () => {
    fc.assert(
      fc.property(nodes, fc.nat(), fc.integer({ min: 1, max: 255 }), fc.boolean(), (one, at, flip, cut) => {
        const bytes = Buffer.from(encodeNode(one));
        const place = at % bytes.length;
        bytes[place] = (bytes[place] ?? 0) ^ flip;
        const input = cut ? bytes.subarray(0, place) : bytes;
        try {
          expect(Buffer.from(encodeNode(decodeNode(input, 'x'))).equals(input)).toBe(true);
        } catch (error) {
          if (!(error instanceof PortkitError)) throw error;
          expect(error.code).toBe('PK2103');
        }
      }),
      { numRuns: 2000 },
    );
  });

  test.each<[string, TreeNode]>([
    ['two entries of one name', node([file('a'), file('a')])],
    ['entries out of order', node([file('b'), file('a')])],
    ['the name ..', node([file('..')])],
    ['a slash in a name', node([file('a/b')])],
    ['an empty name', node([file('')])],
    ['a name of 256 bytes', node([file('a'.repeat(256))])],
    ['a mode above 12 bits', { ...node([]), mode: 0o10000 }],
    ['a fractional time', { ...node([]), mtime: { seconds: 0.5, nanos: 0 } }],
    ['a link group of one', node([file('a')], [['a']])],
    ['a link to a directory', node([file('a'), dir('b')], [['a', 'b']])],
    ['a link below a file', node([file('a'), file('b')], [['a', 'b/c']])],
    ['a link group that belongs further down', node([dir('d')], [['d/a', 'd/b']])],
    [
      'a path in two link groups',
      node(
        [file('a'), file('b'), file('c')],
        [
          ['a', 'b'],
          ['b', 'c'],
        ],
      ),
    ],
    ['a link that climbs', node([file('a'), dir('d')], [['a', 'd/../b']])],
  ])('with %s is refused', (_, bad) => {
    expect(() => encodeNode(bad)).toThrow(expect.objectContaining({ code: 'PK2103' }));
  });

  test('of 100,000 entries is quick and bounded', () => {
    const many = node(Array.from({ length: 100_000 }, (_, at) => file(`f${String(at).padStart(6, '0')}`)));
    const bytes = encodeNode(many);
    expect(decodeNode(bytes, 'x').entries.length).toBe(100_000);
    const hostile = Buffer.from(bytes);
    hostile.writeUInt32LE(0xffffffff, 8 + 24);
    expect(() => decodeNode(hostile, 'x')).toThrow(/count is larger/);
  });
});

test('byte strings hold any bytes', () => {
  const raw = fromBytes(Uint8Array.of(0xff, 0x41));
  expect([...toBytes(raw)]).toEqual([0xff, 0x41]);
  expect(showBytes(byteString('é'))).toBe('é');
  expect(nodePath(byteString('plain'))).toBe('plain');
  expect(nodePath(raw)).toEqual(Buffer.from([0xff, 0x41]));
  const sorted: readonly ByteString[] = [byteString('é'), byteString('z')].toSorted();
  expect(sorted.map(showBytes)).toEqual(['z', 'é']);
});
