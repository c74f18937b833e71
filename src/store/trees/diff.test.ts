import { isDeepStrictEqual } from 'node:util';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { models, pairsOfModels } from '../../../test/trees/arbitraries.ts';
import { compareListed, flatten, recordingBlobs, rootPath, storeModel } from '../../../test/trees/model.ts';
import type { Flat, Model } from '../../../test/trees/model.ts';
import { byteString } from '../../base/byte-string.ts';
import { digestOf } from '../../base/digest.ts';
import type { Digest } from '../../base/digest.ts';
import type { Item } from './access.ts';
import { diffTrees } from './diff.ts';
import type { Change } from './diff.ts';
import { editTree, newTree, putEntry, writeTree } from './editor.ts';
import type { Entry } from './node.ts';
import type { Unnamed } from './place.ts';

const { signal } = new AbortController();
const plain = { mode: 0o755, uid: 0, gid: 0, mtime: { seconds: 0, nanos: 0 }, xattrs: [] };

function stored(before: Model, after: Model): { blobs: ReturnType<typeof recordingBlobs>['blobs']; roots: [Digest, Digest] } {
  const { blobs } = recordingBlobs();
  const batch = blobs.batch();
  const [a, b] = [before, after].map((model) => storeModel(model, (bytes) => batch.add(bytes)).get(rootPath) ?? digestOf(''));
  return { blobs, roots: [a ?? digestOf(''), b ?? digestOf('')] };
}

/** What a change says of one side, as the flat map has it. */
function flat(item: Item): Flat {
  const inNode = ['name', 'node', 'entries'];
  return Object.fromEntries(Object.entries(item).filter(([field]) => !inNode.includes(field))) as unknown as Flat;
}

/** The fields that differ, found by comparing them one by one. */
function fieldsThatDiffer(before: Flat, after: Flat): ReadonlySet<string> {
  const groups: Readonly<Record<string, readonly string[]>> = {
    mode: ['mode'],
    owner: ['uid', 'gid'],
    mtime: ['mtime'],
    xattrs: ['xattrs'],
    ...(before.type === after.type
      ? { content: ['content', 'size'], target: ['target'], device: ['major', 'minor'], links: ['links'] }
      : { type: ['type'] }),
  };
  const [a, b] = [new Map(Object.entries(before)), new Map(Object.entries(after))];
  const differing = Object.keys(groups).filter((group) =>
    (groups[group] ?? []).some((field) => !isDeepStrictEqual(a.get(field), b.get(field))),
  );
  return new Set(differing);
}

describe('a comparison', () => {
  test('is empty for equal trees only, and its changes lead from one to the other', async () => {
    await fc.assert(
      fc.asyncProperty(fc.oneof(pairsOfModels, fc.tuple(models, models)), async ([before, after]) => {
        const { blobs, roots } = stored(before, after);
        const changes: Change[] = await Array.fromAsync(diffTrees(...roots, { blobs, signal }));
        expect(changes.length === 0).toBe(roots[0] === roots[1]);
        const result = flatten(roots[0], blobs);
        for (const change of changes) {
          const { path } = change;
          if ('before' in change) expect(flat(change.before)).toEqual(result.get(path));
          else expect(result.has(path)).toBe(false);
          if (change.kind === 'changed') {
            expect(new Set(change.what)).toEqual(fieldsThatDiffer(flat(change.before), flat(change.after)));
          }
          if ('after' in change) result.set(path, flat(change.after));
          else result.delete(path);
        }
        expect(result).toEqual(flatten(roots[1], blobs));
        const order = changes.map(({ path }) => path);
        expect(order).toEqual([...new Set(order)].toSorted(compareListed));
      }),
      { numRuns: 300 },
    );
  });

  test('backwards says the opposite', async () => {
    await fc.assert(
      fc.asyncProperty(pairsOfModels, async ([before, after]) => {
        const { blobs, roots } = stored(before, after);
        const there = await Array.fromAsync(diffTrees(...roots, { blobs, signal }));
        const back = await Array.fromAsync(diffTrees(roots[1], roots[0], { blobs, signal }));
        const opposite = { added: 'removed', removed: 'added', changed: 'changed' } as const;
        expect(back.map(({ kind, path }) => [kind, path])).toEqual(there.map(({ kind, path }) => [opposite[kind], path]));
      }),
    );
  });

  test.each<[string, Unnamed, Unnamed, readonly string[]]>([
    [
      'size alone',
      entry('file', { content: digestOf('a'), size: 1 }),
      entry('file', { content: digestOf('a'), size: 2 }),
      ['content'],
    ],
    ['type', entry('fifo', {}), entry('symlink', { target: byteString('x') }), ['type']],
    ['device', entry('char', { major: 1, minor: 1 }), entry('char', { major: 1, minor: 2 }), ['device']],
    ['kind of device', entry('char', { major: 1, minor: 1 }), entry('block', { major: 1, minor: 1 }), ['type']],
    [
      'several',
      entry('fifo', { mode: 1 }),
      entry('fifo', { gid: 1, mtime: { seconds: 0, nanos: 1 } }),
      ['mode', 'owner', 'mtime'],
    ],
  ])('names what differs: %s', async (_, first, second, what) => {
    const { blobs } = recordingBlobs();
    const roots = [];
    for (const one of [first, second]) {
      const editor = newTree(plain, { blobs, signal });
      await putEntry(editor, byteString('x'), { entry: one, parents: plain });
      roots.push(await writeTree(editor));
    }
    const [a = digestOf(''), b = digestOf('')] = roots;
    const changes = await Array.fromAsync(diffTrees(a, b, { blobs, signal }));
    expect(changes.map((change) => [change.path, change.kind === 'changed' && change.what])).toEqual([['x', what]]);
  });

  test('does not read what is equal', async () => {
    const { blobs, read } = recordingBlobs();
    const editor = newTree(plain, { blobs, signal });
    for (let at = 0; at < 100; at += 1) {
      await putEntry(editor, byteString(`d${at % 10}/e${at}/f`), { entry: entry('fifo', {}), parents: plain });
    }
    const before = await writeTree(editor);
    const later = await editTree(before, { blobs, signal });
    await putEntry(later, byteString('d3/e33/f'), { entry: entry('fifo', { mode: 0 }), parents: plain });
    const after = await writeTree(later);
    read.length = 0;
    const changes = await Array.fromAsync(diffTrees(before, after, { blobs, signal }));
    expect(changes.map(({ path }) => path)).toEqual(['d3/e33/f']);
    expect(read).toHaveLength(6);
  });
});

function entry(type: Entry['type'], fields: object): Unnamed {
  return { ...plain, type, ...fields } as Unnamed;
}
