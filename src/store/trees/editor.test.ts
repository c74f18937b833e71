import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { aimed, applyEdit, attributes, edits, models, paths } from '../../../test/trees/arbitraries.ts';
import type { Edit } from '../../../test/trees/arbitraries.ts';
import { ancestors, flatten, groupsIn, recordingBlobs, rootPath, storeModel, within } from '../../../test/trees/model.ts';
import type { Model } from '../../../test/trees/model.ts';
import { byteString } from '../../base/byte-string.ts';
import type { ByteString } from '../../base/byte-string.ts';
import { digestOf } from '../../base/digest.ts';
import type { Digest } from '../../base/digest.ts';
import { editTree, newTree, putDirectory, putEntry, putLink, removeEntry, writeTree } from './editor.ts';
import { encodeNode } from './encode.ts';
import type { TreeEditor, Unnamed } from './place.ts';

const { signal } = new AbortController();
const plain = { mode: 0o755, uid: 0, gid: 0, mtime: { seconds: 0, nanos: 0 }, xattrs: [] };
const refused = expect.objectContaining({ code: 'PK1003' });

function file(text: string): Unnamed {
  return { ...plain, type: 'file', content: digestOf(text), size: text.length };
}

async function run(editor: TreeEditor, edit: Edit): Promise<void> {
  if (edit.do === 'write') await writeTree(editor);
  else if (edit.do === 'remove') await removeEntry(editor, edit.path);
  else if (edit.do === 'link') await putLink(editor, edit.path, edit);
  else if (edit.entry.type === 'dir') {
    await putDirectory(editor, edit.path, { attributes: edit.entry, parents: edit.parents });
  } else await putEntry(editor, edit.path, { entry: edit.entry, parents: edit.parents });
}

/** The directories whose nodes an edit can change: above its paths, and above the other names of files it meets. */
function touches(model: Model, edit: Edit): readonly ByteString[] {
  if (edit.do === 'write') return [];
  const met = [edit.path, ...('target' in edit ? [edit.target] : []), ...('entry' in edit ? [edit.path] : [])];
  const linked = groupsIn(model).filter((group) => group.some((member) => met.some((path) => within(member, path))));
  const own = 'entry' in edit && edit.entry.type === 'dir' ? [edit.path] : [];
  return [...[...met, ...linked.flat()].flatMap(ancestors), ...own];
}

describe('an editor', () => {
  test('does what the model does, touches nothing else and writes only canonical nodes', async () => {
    await fc.assert(
      fc.asyncProperty(models, edits, async (start, list) => {
        const { blobs, read, written } = recordingBlobs();
        const batch = blobs.batch();
        const before = storeModel(start, (bytes) => batch.add(bytes)).get(rootPath);
        if (before === undefined) throw new Error('no root');
        written.length = 0;
        const editor = await editTree(before, { blobs, signal });
        const model: Model = new Map(start);
        const touched = new Set<ByteString>([rootPath]);
        for (const each of list) {
          const edit = aimed(model, each);
          for (const path of touches(model, edit)) touched.add(path);
          if (applyEdit(model, edit)) await run(editor, edit);
          else await expect(run(editor, edit)).rejects.toThrow(refused);
        }
        const rounds = 1 + list.filter(([edit]) => edit.do === 'write').length;
        const digest = await writeTree(editor);
        expect(read.length).toBeLessThanOrEqual(touched.size);
        expect(written.length).toBeLessThanOrEqual(rounds * touched.size);
        expect(storeModel(model, digestOf).get(rootPath)).toBe(digest);
        expect(flatten(digest, blobs).size).toBe(model.size);
      }),
      { numRuns: 200 },
    );
  });

  test('that changes nothing writes nothing', async () => {
    await fc.assert(
      fc.asyncProperty(models, paths, async (model, path) => {
        const { blobs, written } = recordingBlobs();
        const batch = blobs.batch();
        const root = storeModel(model, (bytes) => batch.add(bytes)).get(rootPath) ?? digestOf('');
        written.length = 0;
        const editor = await editTree(root, { blobs, signal });
        if (!model.has(path)) expect(await removeEntry(editor, path)).toBe(false);
        expect(await removeEntry(editor, rootPath)).toBe(false);
        expect(await writeTree(editor)).toBe(root);
        expect(written).toEqual([]);
      }),
    );
  });

  test('makes a tree from nothing, and changes the root', async () => {
    await fc.assert(
      fc.asyncProperty(attributes, attributes, async (first, second) => {
        const { blobs } = recordingBlobs();
        const editor = newTree(first, { blobs, signal });
        const before = await writeTree(editor);
        expect(before).toBe(digestOf(encodeNode({ ...first, entries: [], links: [] })));
        await putDirectory(editor, rootPath, { attributes: second, parents: first });
        expect(await writeTree(editor)).toBe(digestOf(encodeNode({ ...second, entries: [], links: [] })));
      }),
    );
  });

  test('writes only the directories above a change', async () => {
    const { blobs, read, written } = recordingBlobs();
    const editor = newTree(plain, { blobs, signal });
    for (const name of ['a/x/1', 'a/y/1', 'b/x/1', 'b/y/1']) {
      await putEntry(editor, byteString(name), { entry: file('1'), parents: plain });
    }
    const before = await writeTree(editor);
    [read.length, written.length] = [0, 0];
    const again = await editTree(before, { blobs, signal });
    await putEntry(again, byteString('b/y/2'), { entry: file('2'), parents: plain });
    await writeTree(again);
    expect([read.length, written.length]).toEqual([3, 3]);
  });

  test('puts whole directories by their digest', async () => {
    const { blobs } = recordingBlobs();
    const inner = newTree(plain, { blobs, signal });
    await putEntry(inner, byteString('f'), { entry: file('1'), parents: plain });
    const node = await writeTree(inner);
    const editor = newTree(plain, { blobs, signal });
    await putEntry(editor, byteString('d/e'), { entry: { type: 'dir', node }, parents: plain });
    await putLink(editor, byteString('g'), { target: byteString('d/e/f'), parents: plain });
    const flat = flatten(await writeTree(editor), blobs);
    expect([...flat.keys()]).toEqual(['', 'd', 'd/e', 'd/e/f', 'g']);
    expect(flat.get(rootPath)).toMatchObject({ links: [['d/e/f', 'g']] });
  });

  test.each(['/a', 'a/', 'a//b', './a', 'a/../b', 'a\0', 'a'.repeat(256)])('refuses the path %j', async (bad) => {
    const editor = newTree(plain, { blobs: recordingBlobs().blobs, signal });
    await putEntry(editor, byteString('f'), { entry: file('1'), parents: plain });
    const before = await writeTree(editor);
    const path = byteString(bad);
    await expect(putEntry(editor, path, { entry: file('1'), parents: plain })).rejects.toThrow(refused);
    await expect(putDirectory(editor, path, { attributes: plain, parents: plain })).rejects.toThrow(refused);
    await expect(putLink(editor, path, { target: byteString('f'), parents: plain })).rejects.toThrow(refused);
    await expect(putLink(editor, byteString('g'), { target: path, parents: plain })).rejects.toThrow(refused);
    await expect(removeEntry(editor, path)).rejects.toThrow(refused);
    await expect(putEntry(editor, rootPath, { entry: file('1'), parents: plain })).rejects.toThrow(refused);
    expect(await writeTree(editor)).toBe(before);
  });

  test('moves a hard link group down when it loses its outer names, and up again, also between writes', async () => {
    const { blobs } = recordingBlobs();
    const editor = newTree(plain, { blobs, signal });
    await putEntry(editor, byteString('d/a'), { entry: file('1'), parents: plain });
    for (const name of ['d/b', 'x']) await putLink(editor, byteString(name), { target: byteString('d/a'), parents: plain });
    expect(flatten(await writeTree(editor), blobs).get(rootPath)).toMatchObject({ links: [['d/a', 'd/b', 'x']] });
    await removeEntry(editor, byteString('x'));
    const lower = flatten(await writeTree(editor), blobs);
    expect(lower.get(rootPath)).toMatchObject({ links: [] });
    expect(lower.get(byteString('d'))).toMatchObject({ links: [['a', 'b']] });
    await putLink(editor, byteString('y'), { target: byteString('d/b'), parents: plain });
    const upper = flatten(await writeTree(editor), blobs);
    expect(upper.get(rootPath)).toMatchObject({ links: [['d/a', 'd/b', 'y']] });
    expect(upper.get(byteString('d'))).toMatchObject({ links: [] });
  });

  test('whose write failed writes everything the next time', async () => {
    const { blobs } = recordingBlobs();
    const kept = recordingBlobs();
    let broken = true;
    const failing = {
      get: (digest: Digest) => blobs.get(digest),
      batch() {
        const bytes: Uint8Array[] = [];
        return {
          add(one: Uint8Array) {
            bytes.push(one);
            return digestOf(one);
          },
          commit() {
            if (broken) return Promise.reject(new Error('full'));
            const batch = kept.blobs.batch();
            for (const one of bytes) batch.add(one);
            return batch.commit(signal);
          },
        };
      },
    };
    const editor = newTree(plain, { blobs: failing, signal });
    await putEntry(editor, byteString('d/f'), { entry: file('1'), parents: plain });
    await expect(writeTree(editor)).rejects.toThrow('full');
    broken = false;
    expect([...flatten(await writeTree(editor), kept.blobs).keys()]).toEqual(['', 'd', 'd/f']);
  });

  test('stops when it is told to', async () => {
    const { blobs } = recordingBlobs();
    const editor = newTree(plain, { blobs, signal: AbortSignal.abort(new Error('enough')) });
    await expect(writeTree(editor)).rejects.toThrow('enough');
    await expect(editTree(digestOf(''), { blobs, signal })).rejects.toThrow(expect.objectContaining({ code: 'PK2002' }));
  });
});
