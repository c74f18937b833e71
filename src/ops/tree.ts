import { canonicalJson } from '../base/canonical.ts';
import { PortkitError } from '../base/errors.ts';
import type { Ref } from '../base/ref.ts';
import type { TreeEdit, TreeSpec } from '../graph/ops.ts';
import type { Op } from '../solver/op.ts';
import { writeTree } from '../store/trees/editor.ts';
import { encodeNode } from '../store/trees/encode.ts';
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
export function treeOp({ edits }: TreeSpec, world: FileWorld): Op {
  return {
    code: 'tree/1',
    pool: 'io',
    facts: () => Promise.resolve({ facts: Object.fromEntries(edits.map((edit, at) => [`edit ${at + 1}`, canonicalJson(edit)])) }),
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

/** For each edit what it reads: of a tree that is copied from only what is copied, so that the rest of it may change. */
async function narrow(
  { edits, inputs }: { readonly edits: readonly TreeEdit[]; readonly inputs: readonly Ref[] },
  world: FileWorld,
  signal: AbortSignal,
): Promise<readonly Ref[]> {
  const scratch = createScratch(world, signal);
  const read: Ref[] = [];
  for (const edit of edits) {
    const input = 'copy' in edit ? inputs[edit.copy] : 'elfLibs' in edit ? inputs[edit.from] : undefined;
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
