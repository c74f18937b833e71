import fc from 'fast-check';
import type { ByteString } from '../../src/base/byte-string.ts';
import { digestOf } from '../../src/base/digest.ts';
import type { Attributes } from '../../src/store/trees/node.ts';
import { sameBytes } from '../../src/store/trees/path.ts';
import { canPut, putInto, removeFrom, rootPath, within } from './model.ts';
import type { Model, ModelEntry } from './model.ts';

/** Few names, so that trees meet; some sort differently as names and within paths (`-` and `.` come before `/`). */
const names = fc.constantFrom('a', 'b', 'a.', 'a-b', '\u00ff').map(sameBytes);

/** A path of one to four names. */
export const paths = fc.array(names, { minLength: 1, maxLength: 4 }).map((parts) => sameBytes(parts.join('/')));

/** Few different attributes, so that some are equal. */
export const attributes: fc.Arbitrary<Attributes> = fc.record({
  mode: fc.constantFrom(0o644, 0o755, 0o4755),
  uid: fc.constantFrom(0, 0xffffffff),
  gid: fc.constantFrom(0, 1000),
  mtime: fc.record({ seconds: fc.constantFrom(0, -1), nanos: fc.constantFrom(0, 1) }),
  xattrs: fc.constantFrom([], [{ name: sameBytes('user.a'), value: Uint8Array.of(0, 255) }]),
});

const contents = fc.constantFrom('one', 'two').map((text) => ({ content: digestOf(text), size: text.length }));
const others = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.tuple(fc.record({ type: fc.constant('file' as const) }), contents).map(([a, b]) => ({ ...a, ...b })),
  },
  fc.record({ type: fc.constant('symlink' as const), target: names }),
  fc.record({ type: fc.constantFrom('char' as const, 'block' as const), major: fc.nat(1), minor: fc.constant(1) }),
  fc.record({ type: fc.constant('fifo' as const) }),
);

/** One change to a tree. */
export type Edit =
  | { readonly do: 'put'; readonly path: ByteString; readonly entry: ModelEntry; readonly parents: Attributes }
  | { readonly do: 'link'; readonly path: ByteString; readonly target: ByteString; readonly parents: Attributes }
  | { readonly do: 'remove'; readonly path: ByteString }
  | { readonly do: 'write' };

const puts = fc.record({
  do: fc.constant('put' as const),
  path: paths,
  entry: fc.oneof(
    { weight: 1, arbitrary: attributes.map((own) => ({ type: 'dir' as const, ...own })) },
    { weight: 2, arbitrary: fc.tuple(others, attributes).map(([payload, own]): ModelEntry => ({ ...payload, ...own })) },
  ),
  parents: attributes,
});
const links = fc.record({ do: fc.constant('link' as const), path: paths, target: paths, parents: attributes });

/** Changes of every kind, the ones that fail among them; most links and removals are aimed at what is there. */
export const edits: fc.Arbitrary<readonly AimedEdit[]> = fc.array(
  fc.tuple(
    fc.oneof(
      { weight: 4, arbitrary: puts },
      { weight: 6, arbitrary: links },
      { weight: 2, arbitrary: fc.record({ do: fc.constant('remove' as const), path: paths }) },
      { weight: 1, arbitrary: fc.record({ do: fc.constant('write' as const) }) },
    ),
    fc.option(fc.nat(), { freq: 4, nil: null }),
  ),
  { maxLength: 25, size: 'medium' },
);

/** An edit, and which of the files that are there it is about. */
type AimedEdit = readonly [edit: Edit, aim: number | null];

/** The edit as it hits this model. */
export function aimed(model: Model, [edit, aim]: AimedEdit): Edit {
  const files = [...model].filter(([, entry]) => entry.type === 'file').map(([path]) => path);
  const path = aim === null ? undefined : files[aim % files.length];
  if (path === undefined) return edit;
  if (edit.do === 'link') return { ...edit, target: path };
  return edit.do === 'remove' ? { ...edit, path } : edit;
}

/** Does to the model what an edit says; answers whether it can be done. */
export function applyEdit(model: Model, edit: Edit): boolean {
  if (edit.do === 'write') return true;
  if (edit.do === 'remove') {
    removeFrom(model, edit.path);
    return true;
  }
  const { path, parents } = edit;
  if (edit.do === 'put') {
    if (!canPut(model, path)) return false;
    putInto(model, path, { entry: { ...edit.entry }, parents });
    return true;
  }
  const file = model.get(edit.target);
  if (file?.type !== 'file' || !canPut(model, path) || (path !== edit.target && within(edit.target, path))) return false;
  putInto(model, path, { entry: file, parents });
  return true;
}

/** Any small tree, with hard links. */
export const models: fc.Arbitrary<Model> = fc.tuple(attributes, edits).map(([own, list]) => {
  const model: Model = new Map([[rootPath, { type: 'dir', ...own }]]);
  for (const edit of list) applyEdit(model, aimed(model, edit));
  return model;
});

/** A model after some more changes, so that it has much in common with the first. */
export const pairsOfModels: fc.Arbitrary<readonly [Model, Model]> = fc.tuple(models, edits).map(([before, list]) => {
  const after: Model = new Map(before);
  for (const edit of list) applyEdit(after, aimed(after, edit));
  return [before, after];
});
