import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { models, paths } from '../../../test/trees/arbitraries.ts';
import { ancestors, recordingBlobs, rootPath, selectModel, storeModel } from '../../../test/trees/model.ts';
import { byteString } from '../../base/byte-string.ts';
import { digestOf } from '../../base/digest.ts';
import { newTree, putEntry, putLink, writeTree } from './editor.ts';
import { selectItem, selectTree } from './select.ts';

const { signal } = new AbortController();
const plain = { mode: 0o755, uid: 0, gid: 0, mtime: { seconds: 0, nanos: 0 }, xattrs: [] };

describe('selecting', () => {
  test('answers what the model has at every path', async () => {
    await fc.assert(
      fc.asyncProperty(models, paths, async (model, other) => {
        const { blobs } = recordingBlobs();
        const batch = blobs.batch();
        const digests = storeModel(model, (bytes) => batch.add(bytes));
        const root = digests.get(rootPath) ?? digestOf('');
        for (const path of [...model.keys(), other]) {
          const entry = model.get(path);
          const item = await selectItem(root, path, { blobs, signal });
          if (entry === undefined) expect(item).toBeUndefined();
          else expect(item).toMatchObject({ ...entry, name: path.slice(path.lastIndexOf('/') + 1) });
          const selected = selectModel(model, path);
          const digest = await selectTree(root, path, { blobs, signal });
          expect(digest).toBe(selected && storeModel(selected, digestOf).get(rootPath));
        }
      }),
      { numRuns: 150 },
    );
  });

  test('a directory writes nothing, unless files in it were one by a link outside of it', async () => {
    const { blobs, written } = recordingBlobs();
    const editor = newTree(plain, { blobs, signal });
    const parents = plain;
    await putEntry(editor, byteString('d/e/a'), { entry: { ...plain, type: 'fifo' }, parents });
    await putEntry(editor, byteString('d/f/a'), { entry: { ...plain, type: 'file', content: digestOf('1'), size: 1 }, parents });
    await putLink(editor, byteString('d/f/b'), { target: byteString('d/f/a'), parents });
    await putLink(editor, byteString('x'), { target: byteString('d/f/a'), parents });
    const root = await writeTree(editor);
    written.length = 0;
    expect((await selectItem(root, byteString('d/e'), { blobs, signal }))?.type).toBe('dir');
    await selectTree(root, byteString('d/e'), { blobs, signal });
    expect(written).toHaveLength(0);
    await selectTree(root, byteString('d'), { blobs, signal });
    expect(written).toHaveLength(2);
  });

  test('follows no link and refuses paths that climb', async () => {
    const { blobs } = recordingBlobs();
    const editor = newTree(plain, { blobs, signal });
    await putEntry(editor, byteString('d/f'), { entry: { ...plain, type: 'fifo' }, parents: plain });
    await putEntry(editor, byteString('l'), { entry: { ...plain, type: 'symlink', target: byteString('d') }, parents: plain });
    const root = await writeTree(editor);
    expect(await selectItem(root, byteString('l/f'), { blobs, signal })).toBeUndefined();
    for (const path of ['d/../d', '/d', 'd/']) {
      await expect(selectTree(root, byteString(path), { blobs, signal })).rejects.toThrow(
        expect.objectContaining({ code: 'PK1003' }),
      );
    }
    expect(ancestors(byteString('a/b/c'))).toEqual(['', 'a', 'a/b']);
  });
});
