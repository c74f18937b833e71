import fc from 'fast-check';
import { byteString, fromBytes } from '../../src/base/byte-string.ts';
import type { ByteString } from '../../src/base/byte-string.ts';
import type { FileAttributes, FileEntry } from '../../src/formats/file-tree.ts';
import { contentName } from './contents.ts';
import type { Kind } from './contents.ts';

/** An entry that is no hard link. */
type Attributed = Exclude<FileEntry, { type: 'hardlink' }>;

/** Attributes that are nothing special. */
export const usual: FileAttributes = { mode: 0o755, uid: 0, gid: 0, mtime: { seconds: 1_600_000_000, nanos: 0 }, xattrs: [] };

/** The root with nothing special. */
export const root: Attributed = { path: byteString(''), type: 'dir', ...usual };

/** A file with nothing special. */
export function file(path: string, size = 0, kind: Kind = 'data'): Extract<FileEntry, { type: 'file' }> {
  return { path: byteString(path), type: 'file', size, content: contentName(kind, size), ...usual };
}

/** An attribute by its name in text. */
export function xattr(name: string, value: Uint8Array): FileAttributes['xattrs'][number] {
  return { name: byteString(name), value };
}

/** An ACL with one named user, as `system.posix_acl_access` gives it. */
export const acl = Buffer.from('0200000001000700ffffffff02000500a086010004000500ffffffff10000500ffffffff20000000ffffffff', 'hex');

/** The capability to bind low ports, revision 2. */
export const capability = Buffer.from('0100000200040000000000000000000000000000', 'hex');

const name = fc
  .oneof(
    { weight: 4, arbitrary: fc.constantFrom('a', 'b', 'a.', 'a-b', 'ab', 'lost+found', 'ü', 'Z') },
    { weight: 2, arbitrary: fc.string({ minLength: 1, maxLength: 40, unit: 'binary' }) },
    { weight: 1, arbitrary: fc.integer({ min: 200, max: 255 }).map((length) => 'n'.repeat(length)) },
  )
  .map(byteString)
  .filter((text) => text.length <= 255 && text !== '.' && text !== '..' && !/[/\0]/.test(text));
const rawName = fc
  .uint8Array({ minLength: 1, maxLength: 255 })
  .map((bytes) => fromBytes(bytes.map((byte) => (byte === 0 || byte === 0x2f ? 0xff : byte))))
  .filter((text) => text !== '.' && text !== '..');

const value = fc.uint8Array({ maxLength: 500 }).map((bytes) => Buffer.from(bytes));
const anyXattrs = fc.uniqueArray(
  fc.oneof(
    fc.record({ name: fc.constantFrom('trusted.t', 'security.s', 'trusted.overlay.opaque').map(byteString), value }),
    fc.record({ name: fc.stringMatching(/^trusted\.[a-zäö]{1,60}$/).map(byteString), value }),
  ),
  { maxLength: 4, selector: (one) => one.name },
);
const fileXattrs = fc.uniqueArray(
  fc.oneof(
    fc.record({ name: fc.constantFrom('user.u', 'user.mime_type').map(byteString), value }),
    fc.constantFrom(xattr('security.capability', capability), xattr('system.posix_acl_access', acl)),
  ),
  { maxLength: 3, selector: (one) => one.name },
);

const id = fc.constantFrom(0, 1, 1000, 65_535, 65_536, 100_000, 2 ** 32 - 2);
/** Not 2310 to 2378: e2fsck takes those for times before 1970 that an old kernel wrote. They have a test of their own. */
const mtime = fc.record({
  seconds: fc.oneof(
    fc.constantFrom(-(2 ** 31), -1, 0, 2 ** 31 - 1, 2 ** 31, 2 ** 32, 2_208_988_800, 2 ** 31 - 1 + 3 * 2 ** 32),
    fc.integer({ min: -(2 ** 31), max: 10_737_418_239 }),
  ),
  nanos: fc.constantFrom(0, 1, 123_456_789, 999_999_999),
});
const attributes = fc.record({ mode: fc.nat(0o7777), uid: id, gid: id, mtime, xattrs: anyXattrs });

const size = fc.oneof(
  fc.constantFrom(0, 1, 4095, 4096, 4097, 8191, 8192, 65_536, 65_537, 300_001),
  fc.nat(40_000),
  fc.constantFrom(3_000_000, 6_000_000),
);
const regular = fc
  .record({ kind: fc.constantFrom<Kind>('data', 'zeros', 'gaps', 'holes'), size, seed: fc.nat(9), more: fileXattrs })
  .map(({ kind, size, seed, more }) => ({ type: 'file' as const, size, content: contentName(kind, size, seed), more }));
const target = fc.constantFrom(1, 2, 59, 60, 61, 255, 4000, 4095).map((length) => byteString('t'.repeat(length)));
const node = fc.oneof(
  { weight: 6, arbitrary: fc.record({ type: fc.constant('dir' as const), more: fileXattrs }) },
  { weight: 8, arbitrary: regular },
  { weight: 3, arbitrary: fc.record({ type: fc.constant('symlink' as const), target }) },
  {
    weight: 2,
    arbitrary: fc.record({
      type: fc.constantFrom('char' as const, 'block' as const),
      major: fc.constantFrom(0, 1, 255, 256, 4095),
      minor: fc.constantFrom(0, 3, 255, 256, 70_000, 0xf_ffff),
    }),
  },
  { weight: 2, arbitrary: fc.record({ type: fc.constantFrom('fifo' as const, 'socket' as const) }) },
  { weight: 2, arbitrary: fc.record({ type: fc.constant('hardlink' as const), of: fc.nat() }) },
);

const steps = fc.array(
  fc.record({ within: fc.nat(), name: fc.oneof({ weight: 6, arbitrary: name }, rawName), node, own: attributes }),
  {
    maxLength: 60,
  },
);

type Step = typeof steps extends fc.Arbitrary<readonly (infer S)[]> ? S : never;
type Planted = { readonly path: ByteString; readonly step: Step };

/** Whole trees: every kind of node, names that sort differently as paths, extreme times, sizes and owners. */
export const fileTrees: fc.Arbitrary<readonly FileEntry[]> = fc.tuple(attributes, steps).map(([own, grown]) => {
  const directories: ByteString[] = ['' as ByteString];
  const planted = new Map<ByteString, Planted>();
  for (const step of grown) {
    const parent = directories[step.within % directories.length]!;
    const path = (parent === '' ? step.name : `${parent}/${step.name}`) as ByteString;
    if (planted.has(path) || path.length > 2000) continue;
    if (path === 'lost+found' && step.node.type !== 'dir') continue;
    planted.set(path, { path, step });
    if (step.node.type === 'dir') directories.push(path);
  }
  const sorted = [...planted.values()].toSorted((a, b) => comparePaths(a.path, b.path));
  return [{ ...root, ...own }, ...entriesOf(sorted)];
});

/** By names, as a walk in sorted order meets them: a directory, then all below it. */
function comparePaths(a: string, b: string): number {
  const [left, right] = [a.replaceAll('/', '\0'), b.replaceAll('/', '\0')];
  if (left === right) return 0;
  return left < right ? -1 : 1;
}

/** Hard links become names of some file before them, or nothing. */
function entriesOf(planted: readonly Planted[]): readonly FileEntry[] {
  const files: ByteString[] = [];
  return planted.flatMap(({ path, step: { node, own } }): readonly FileEntry[] => {
    if (node.type === 'hardlink') {
      const target = files[node.of % files.length];
      return target === undefined ? [] : [{ path, type: 'hardlink', target }];
    }
    if (node.type === 'file') files.push(path);
    if (!('more' in node)) return [{ path, ...node, ...own }];
    const { more, ...rest } = node;
    const xattrs = [...own.xattrs, ...more].toSorted((a, b) => (a.name < b.name ? -1 : 1));
    return [{ path, ...rest, ...own, xattrs }];
  });
}
