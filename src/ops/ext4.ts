import { fileTreeOf } from '../artifacts/file-tree.ts';
import { digestOf } from '../base/digest.ts';
import { PortkitError } from '../base/errors.ts';
import { ext4Profiles } from '../formats/ext4/options.ts';
import type { Ext4Options } from '../formats/ext4/options.ts';
import { findData } from '../formats/ext4/holes.ts';
import { planExt4 } from '../formats/ext4/plan.ts';
import { writeExt4 } from '../formats/ext4/write.ts';
import type { FileEntry, FileTree } from '../formats/file-tree.ts';
import type { Ext4Spec } from '../graph/ops.ts';
import type { Op } from '../solver/op.ts';
import { listTree } from '../store/trees/list.ts';
import { onlyInput } from './input.ts';
import type { FileWorld } from './input.ts';
import { asOutcome } from './outcome.ts';
import { imageWriterOn, openScratch, piecesOf } from './scratch-file.ts';

/** What the op is lent; an image is in `scratch` until the store has it. */
export interface Ext4World extends FileWorld {
  readonly scratch: string;
}

/** A tree as an ext4 image. */
export function ext4Op(given: Ext4Spec, { blobs, scratch }: Ext4World): Op {
  const { sparse, ...spec } = given;
  return {
    code: 'ext4/2',
    pool: 'cpu',
    facts: () => Promise.resolve({ facts: factsOf(given) }),
    run: (inputs, { signal, transfer }) =>
      asOutcome(async () => {
        const options = optionsOf(spec);
        const tree = await fileTreeOf(listTree(onlyInput(inputs, 'tree'), { blobs, signal }), blobs);
        const dataRanges = sparse === true ? await findData(tree.entries, tree.contents, signal) : undefined;
        const plan = planExt4(atTime(tree.entries, spec.mtime), {
          ...options,
          identity: contentsOf(tree),
          ...(dataRanges && { dataRanges }),
        });
        using file = openScratch(scratch);
        await writeExt4(plan, { contents: tree.contents, image: imageWriterOn(file) }, signal);
        const { digest, size } = await blobs.write(piecesOf(file.fd), signal);
        transfer(size, size);
        return { ok: true, outputs: [{ kind: 'blob', digest }] };
      }),
  };
}

function factsOf({ profile = 'plain', ...rest }: Ext4Spec): Record<string, string> {
  const given = Object.entries(rest).filter(([name, value]) => name !== 'type' && value !== undefined);
  return { profile, ...Object.fromEntries(given.map(([name, value]) => [name, `${value}`])) };
}

function optionsOf({ profile = 'plain', headroom, headroomPercent, mtime, ...rest }: Ext4Spec): Ext4Options {
  if (headroom !== undefined && headroomPercent !== undefined)
    throw new PortkitError('PK1004', 'The headroom of an ext4 image is given in bytes or in percent, not both');
  if (mtime !== undefined && !Number.isSafeInteger(mtime))
    throw new PortkitError('PK1004', `The time ${mtime} of an ext4 image is not a whole number of seconds`);
  return {
    ...rest,
    ...ext4Profiles[profile],
    ...(headroom !== undefined && { headroom: { bytes: headroom } }),
    ...(headroomPercent !== undefined && { headroom: { percent: headroomPercent } }),
  };
}

/** The digests of all contents: with them the UUID depends on every byte, and on nothing that the image does not have. */
function contentsOf({ entries }: FileTree): string {
  return digestOf(Buffer.from(entries.map((entry) => (entry.type === 'file' ? entry.content : '')).join('\n')));
}

function atTime(entries: readonly FileEntry[], seconds: number | undefined): readonly FileEntry[] {
  if (seconds === undefined) return entries;
  const mtime = { seconds, nanos: 0 };
  return entries.map((entry) => (entry.type === 'hardlink' ? entry : { ...entry, mtime }));
}
