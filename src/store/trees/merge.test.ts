import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { models, pairsOfModels } from '../../../test/trees/arbitraries.ts';
import { mergeModels, recordingBlobs, rootPath, storeModel } from '../../../test/trees/model.ts';
import type { Model } from '../../../test/trees/model.ts';
import { byteString } from '../../base/byte-string.ts';
import type { ByteString } from '../../base/byte-string.ts';
import { digestOf } from '../../base/digest.ts';
import type { Digest } from '../../base/digest.ts';
import { newTree, putEntry, putLink, writeTree } from './editor.ts';
import { listTree } from './list.ts';
import { mergeTrees } from './merge.ts';

const { signal } = new AbortController();
const plain = { mode: 0o755, uid: 0, gid: 0, mtime: { seconds: 0, nanos: 0 }, xattrs: [] };
const stacks = fc.oneof(
  fc.array(models, { minLength: 1, maxLength: 3 }),
  fc.tuple(pairsOfModels, models).map(([[a, b], c]) => [a, b, c]),
  fc.tuple(pairsOfModels, models).map(([[a, b], c]) => [c, a, b, a, a]),
);

type Blobs = ReturnType<typeof recordingBlobs>['blobs'];

function stored(model: Model, blobs: Blobs): Digest {
  const batch = blobs.batch();
  return storeModel(model, (bytes) => batch.add(bytes)).get(rootPath) ?? digestOf('');
}

/** Files by path and content; `a=b` is a hard link, `a/` an empty directory. */
async function tree(blobs: Blobs, ...lines: readonly string[]): Promise<Digest> {
  const editor = newTree(plain, { blobs, signal });
  for (const line of lines) {
    const [path = '', target] = line.split('=');
    const [name = '', content = ''] = path.split(':');
    const entry = { ...plain, type: 'file' as const, content: digestOf(content), size: content.length };
    if (target === undefined) await putEntry(editor, byteString(name), { entry, parents: plain });
    else await putLink(editor, byteString(name), { target: byteString(target), parents: plain });
  }
  return writeTree(editor);
}

async function lines(root: Digest, blobs: Blobs): Promise<readonly string[]> {
  const listed = await Array.fromAsync(listTree(root, { blobs, signal }));
  return listed
    .filter(({ item }) => item.type !== 'dir')
    .map(({ path, linkedTo }) => (linkedTo === undefined ? path : `${path}=${linkedTo}`));
}

describe('a merge', () => {
  test('is what the model says', async () => {
    await fc.assert(
      fc.asyncProperty(stacks, async (bases) => {
        const { blobs } = recordingBlobs();
        const [first, ...rest] = bases.map((model) => stored(model, blobs));
        const merged = await mergeTrees([first ?? digestOf(''), ...rest], { blobs, signal });
        expect(merged).toBe(storeModel(mergeModels(bases), digestOf).get(rootPath));
      }),
      { numRuns: 300 },
    );
  });

  test('is idempotent, and a tree without entries adds nothing on either side', async () => {
    await fc.assert(
      fc.asyncProperty(models, models, async (model, other) => {
        const { blobs } = recordingBlobs();
        const root = stored(model, blobs);
        const empty = stored(new Map([...other].filter(([path]) => path === rootPath)), blobs);
        expect(await mergeTrees([root, root], { blobs, signal })).toBe(root);
        expect(await mergeTrees([root, empty], { blobs, signal })).toBe(model.size > 1 ? root : empty);
        expect(await mergeTrees([empty, root], { blobs, signal })).toBe(root);
      }),
    );
  });

  test('is associative while no name is a directory in one tree and something else in another', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(models, { minLength: 3, maxLength: 3 }), async (any) => {
        const isDirectory = (path: ByteString): boolean => any.some((model) => model.get(path)?.type === 'dir');
        const three = any.map((model) => new Map([...model].filter(([path, { type }]) => type === 'dir' || !isDirectory(path))));
        const { blobs } = recordingBlobs();
        const access = { blobs, signal };
        const [a = digestOf(''), b = digestOf(''), c = digestOf('')] = three.map((model) => stored(model, blobs));
        const all = await mergeTrees([a, b, c], access);
        expect(await mergeTrees([await mergeTrees([a, b], access), c], access)).toBe(all);
        expect(await mergeTrees([a, await mergeTrees([b, c], access)], access)).toBe(all);
      }),
      { numRuns: 150 },
    );
  });

  test('lets a file hide the directory that was there, also for directories of the same name further up', async () => {
    const { blobs } = recordingBlobs();
    const layers = [await tree(blobs, 'd/x:1'), await tree(blobs, 'd:2'), await tree(blobs, 'd/y:3')] as const;
    expect(await lines(await mergeTrees(layers, { blobs, signal }), blobs)).toEqual(['d/y']);
  });

  test.each<[string, readonly string[], readonly string[], readonly string[]]>([
    ['keeps groups of one base', ['a:1', 'd/b=a'], ['c:2'], ['a', 'c', 'd/b=a']],
    ['lets a replaced file leave its group', ['a:1', 'b=a', 'c=a'], ['a:1'], ['a', 'b', 'c=b']],
    ['moves what is left of a group down', ['a:1', 'd/b=a', 'd/c=a'], ['a:1'], ['a', 'd/b', 'd/c=d/b']],
    ['does not join files of two bases', ['a:1', 'b=a'], ['b:1', 'c=b'], ['a', 'b', 'c=b']],
    ['takes over a group that spans directories', ['d/a:1', 'd/x:1'], ['d/a:2', 'e/b=d/a'], ['d/a', 'd/x', 'e/b=d/a']],
    ['cuts groups where a directory is equal in both', ['a:1', 'd/b=a'], ['d/b:1'], ['a', 'd/b']],
    ['cuts groups where a file takes the place of a directory', ['a:1', 'd/b=a', 'd/c=a', 'e=a'], ['d:2'], ['a', 'd', 'e=a']],
  ])('of hard links %s', async (_, lower, upper, result) => {
    const { blobs } = recordingBlobs();
    const merged = await mergeTrees([await tree(blobs, ...lower), await tree(blobs, ...upper)], { blobs, signal });
    expect(await lines(merged, blobs)).toEqual(result);
  });

  test('reads and writes only where both have something', async () => {
    const { blobs, read, written } = recordingBlobs();
    const lower = await tree(blobs, 'a/b/c:1', 'd/e/f:1', 'd/g/h:1');
    const upper = await tree(blobs, 'd/g/i:1', 'j/k/l:1', 'd/m/n:1');
    [read.length, written.length] = [0, 0];
    await mergeTrees([lower, upper], { blobs, signal });
    // Of each tree the root, `d` and `d/g`; both roots were looked at before, to see whether they are empty.
    expect(read).toHaveLength(6 + 2);
    expect(written).toHaveLength(3);
  });
});
