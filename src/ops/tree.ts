import { PortkitError } from '../base/errors.ts';
import type { Ref } from '../base/ref.ts';
import type { TreeEdit, TreeSpec } from '../graph/ops.ts';
import type { Op } from '../solver/op.ts';
import { writeTree } from '../store/trees/editor.ts';
import { encodeNode } from '../store/trees/encode.ts';
import type { DecompressWorld } from './decompress.ts';
import type { FileWorld } from './input.ts';
import { asOutcome } from './outcome.ts';
import { plainDirectory } from './tree/attributes.ts';
import { applyEdit } from './tree/edits.ts';
import { beginTree } from './tree/lay.ts';
import { createScratch } from './tree/scratch.ts';
import type { Scratch } from './tree/scratch.ts';
import { selectForCopy } from './tree/select.ts';
import type { CopyEdit } from './tree/select.ts';

/** Makes a tree from nothing by edits, in order; only the finished tree is stored. */
export function treeOp({ edits }: TreeSpec, world: DecompressWorld): Op {
  return {
    code: 'tree/1',
    pool: 'io',
    facts: () => ({ facts: factsOf(edits) }),
    narrow: (inputs, signal) => narrow({ edits, inputs }, world, signal),
    run: (inputs, { signal }) =>
      asOutcome(async () => {
        const scratch = createScratch(world, signal);
        const making = beginTree(scratch);
        for (const edit of edits) await applyEdit(making, edit, { inputs, world });
        const digest = await writeTree(making.editor);
        await scratch.keep(digest);
        return { ok: true, outputs: [{ kind: 'tree', digest }] };
      }),
  };
}

type KeyOf<Edit> = Edit extends unknown ? keyof Edit : never;

/** Everything an edit can say; the compiler knows when one is missing. */
const sayings: Readonly<Record<KeyOf<TreeEdit>, true>> = {
  base64: true,
  chmod: true,
  chown: true,
  copy: true,
  device: true,
  elfLibs: true,
  exclude: true,
  from: true,
  gid: true,
  hardlink: true,
  include: true,
  kernelModules: true,
  kind: true,
  major: true,
  minor: true,
  mkdir: true,
  mode: true,
  mtime: true,
  name: true,
  names: true,
  path: true,
  recursive: true,
  release: true,
  releaseFile: true,
  remove: true,
  strip: true,
  symlink: true,
  target: true,
  text: true,
  to: true,
  uid: true,
  write: true,
  xattr: true,
};
const sorted = Object.keys(sayings).toSorted();

/** A list of keys makes JSON write them in its order: one text for one edit, as fast as JSON is. */
function factsOf(edits: readonly TreeEdit[]): Record<string, string> {
  const facts: Record<string, string> = {};
  for (const [at, edit] of edits.entries()) facts[`edit ${at + 1}`] = JSON.stringify(edit, sorted);
  return facts;
}

/** For each edit what it reads: of a tree that is copied from only what is copied, so that the rest of it may change. */
async function narrow(
  { edits, inputs }: { readonly edits: readonly TreeEdit[]; readonly inputs: readonly Ref[] },
  world: FileWorld,
  signal: AbortSignal,
): Promise<readonly Ref[]> {
  const scratch = createScratch(world, signal);
  const read: Ref[] = [];
  for (const edit of edits) {
    const input = 'copy' in edit ? inputs[edit.copy] : 'from' in edit ? inputs[edit.from] : undefined;
    if (input !== undefined) read.push('copy' in edit && input.kind === 'tree' ? await selected(input, edit, scratch) : input);
  }
  return read;
}

/** What a copy takes, as a tree that is nowhere stored; all of its input when it will fail. */
async function selected(input: Ref, edit: CopyEdit, scratch: Scratch): Promise<Ref> {
  try {
    const found = await selectForCopy(input.digest, edit, scratch.access);
    if (found.type === 'dir') return { kind: 'tree', digest: found.node };
    return { kind: 'tree', digest: scratch.add(encodeNode({ ...plainDirectory, entries: [found.item], links: [] })) };
  } catch (error) {
    if (!(error instanceof PortkitError) || !/^PK(?:10|33)/.test(error.code)) throw error;
    return input;
  }
}
