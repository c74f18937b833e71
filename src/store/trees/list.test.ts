import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { models } from '../../../test/trees/arbitraries.ts';
import { compareListed, flatten, groupsIn, recordingBlobs, rootPath, storeModel } from '../../../test/trees/model.ts';
import { byteString } from '../../base/byte-string.ts';
import type { ByteString } from '../../base/byte-string.ts';
import { digestOf } from '../../base/digest.ts';
import type { Digest } from '../../base/digest.ts';
import { encodeNode } from './encode.ts';
import { listTree } from './list.ts';
import type { Listed } from './list.ts';
import type { Entry, TreeNode } from './node.ts';

const { signal } = new AbortController();
const plain = { mode: 0o755, uid: 0, gid: 0, mtime: { seconds: 0, nanos: 0 }, xattrs: [] };

function file(name: string, text: string): Entry {
  return { ...plain, type: 'file', name: byteString(name), content: digestOf(text), size: text.length };
}
function dir(name: string, node: Digest): Entry {
  return { type: 'dir', name: byteString(name), node };
}
function node(entries: readonly Entry[], links: readonly (readonly string[])[] = []): TreeNode {
  return { ...plain, entries, links: links.map((group) => group.map(byteString)) };
}

describe('a listing', () => {
  test('has every path once, in order, with its entry and the first name of its inode', async () => {
    await fc.assert(
      fc.asyncProperty(models, async (model) => {
        const { blobs } = recordingBlobs();
        const batch = blobs.batch();
        const digests = storeModel(model, (bytes) => batch.add(bytes));
        const root = digests.get(rootPath) ?? digestOf('');
        const firsts = new Map<ByteString, ByteString>();
        for (const group of groupsIn(model)) {
          const [first = rootPath, ...rest] = group.toSorted(compareListed);
          for (const path of rest) firsts.set(path, first);
        }
        const listed: Listed[] = await Array.fromAsync(listTree(root, { blobs, signal }));
        expect(listed.map(({ path }) => path)).toEqual([...model.keys()].toSorted(compareListed));
        for (const { path, item, linkedTo } of listed) {
          expect(item).toMatchObject(flatten(root, blobs).get(path) ?? {});
          expect(item.name).toBe(path.slice(path.lastIndexOf('/') + 1));
          expect(linkedTo).toBe(firsts.get(path));
          if (item.type === 'dir') expect(item.node).toBe(digests.get(path));
        }
      }),
      { numRuns: 150 },
    );
  });

  test('reads no further than its reader', async () => {
    const { blobs, read } = recordingBlobs();
    const batch = blobs.batch();
    let digest = batch.add(encodeNode(node([])));
    // 2^60 directories in 60 nodes.
    for (let depth = 0; depth < 60; depth += 1) digest = batch.add(encodeNode(node([dir('a', digest), dir('b', digest)])));
    const seen: Listed[] = [];
    for await (const one of listTree(digest, { blobs, signal })) {
      if (seen.push(one) === 1000) break;
    }
    expect(read).toHaveLength(1000);
  });

  test('of directories 5,000 deep does not exhaust the stack', async () => {
    const { blobs } = recordingBlobs();
    const batch = blobs.batch();
    let digest = batch.add(encodeNode(node([])));
    for (let depth = 0; depth < 5000; depth += 1) digest = batch.add(encodeNode(node([dir('d', digest)])));
    expect(await Array.fromAsync(listTree(digest, { blobs, signal }), ({ path }) => path.length)).toHaveLength(5001);
  });

  test('stops when it is told to, and says what is missing', async () => {
    const { blobs } = recordingBlobs();
    const root = blobs.batch().add(encodeNode(node([dir('d', digestOf('absent'))])));
    await expect(Array.fromAsync(listTree(root, { blobs, signal }))).rejects.toThrow(expect.objectContaining({ code: 'PK2002' }));
    const stopped = AbortSignal.abort(new Error('enough'));
    await expect(Array.fromAsync(listTree(root, { blobs, signal: stopped }))).rejects.toThrow('enough');
  });

  test.each<[string, readonly Entry[], readonly (readonly string[])[]]>([
    ['a file of other content', [file('x', 'one')], [['d/other', 'x']]],
    ['something that is no file', [file('x', 'one')], [['d/link', 'x']]],
    ['a directory', [file('x', 'one')], [['d/e', 'x']]],
    ['nothing', [file('x', 'one')], [['d/absent', 'x']]],
    ['nothing below a file', [file('x', 'one')], [['d/same/f', 'x']]],
    ['nothing in a directory that comes last', [dir('z', digestOf(encodeNode(node([]))))], [['d/same', 'z/absent']]],
    ['a file that is in a group further down', [file('x', 'one')], [['d/e/f', 'x']]],
  ])('refuses a hard link to %s', async (_, entries, links) => {
    const { blobs } = recordingBlobs();
    const batch = blobs.batch();
    batch.add(encodeNode(node([])));
    const e = batch.add(encodeNode(node([file('f', 'one'), file('g', 'one')], [['f', 'g']])));
    const symlink: Entry = { ...plain, type: 'symlink', name: byteString('link'), target: byteString('x') };
    const d = batch.add(encodeNode(node([dir('e', e), symlink, file('other', 'two'), file('same', 'one')])));
    const root = batch.add(encodeNode(node([dir('d', d), ...entries], links)));
    await expect(Array.fromAsync(listTree(root, { blobs, signal }))).rejects.toThrow(expect.objectContaining({ code: 'PK2103' }));
  });
});
