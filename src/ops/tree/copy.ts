import { PortkitError } from '../../base/errors.ts';
import type { Ref } from '../../base/ref.ts';
import { attributesOf } from '../../store/trees/overlay.ts';
import { joinPath } from '../../store/trees/path.ts';
import type { FileWorld } from '../input.ts';
import { mapAttributes, plainFile, withAttributes } from './attributes.ts';
import type { AttributeChange } from './attributes.ts';
import { layAt, putAt } from './lay.ts';
import type { Making } from './lay.ts';
import { editPath } from './paths.ts';
import { selectForCopy } from './select.ts';
import type { CopyEdit } from './select.ts';

/** What a copy comes from. */
export interface CopySource {
  readonly input: Ref;
  readonly world: FileWorld;
}

/**
 * Copies a file, or out of a tree. What the edit says about owner and time is for everything copied, the mode for all but
 * directories and symlinks; the rest stays as it was in the source.
 */
export async function copyInto(making: Making, edit: CopyEdit, { input, world }: CopySource): Promise<void> {
  const to = editPath(edit.to);
  if (input.kind === 'blob') return copyBlob(making, edit, { input, world });
  const selection = await selectForCopy(input.digest, edit, making.scratch.access);
  const path = to.into ? joinPath(to.path, selection.name) : to.path;
  if (selection.type === 'entry') {
    const { name: _, ...entry } = selection.item;
    return putAt(making, path, { ...entry, ...changeOf(edit)(attributesOf(entry), entry.type) });
  }
  const plain = edit.mode === undefined && edit.uid === undefined && edit.gid === undefined && edit.mtime === undefined;
  const tree = plain ? selection.node : await mapAttributes(selection.node, changeOf(edit), making.scratch);
  await layAt(making, selection.name === '' ? to.path : path, tree);
}

function changeOf({ mode, uid, gid, mtime }: CopyEdit): AttributeChange {
  const all = { ...(uid !== undefined && { uid }), ...(gid !== undefined && { gid }), ...(mtime !== undefined && { mtime }) };
  const withMode = { ...all, ...(mode !== undefined && { mode }) };
  return (attributes, type) => withAttributes(attributes, type === 'dir' || type === 'symlink' ? all : withMode);
}

async function copyBlob(making: Making, edit: CopyEdit, { input, world }: CopySource): Promise<void> {
  const to = editPath(edit.to);
  if (to.into) {
    throw new PortkitError('PK3308', `What is copied to ${JSON.stringify(edit.to)} is a file without a name`, {
      hint: 'Say the whole path that it shall have',
    });
  }
  if (edit.path !== undefined || edit.include !== undefined || edit.exclude !== undefined || edit.strip !== undefined) {
    throw new PortkitError('PK3308', `What is copied to ${JSON.stringify(edit.to)} is a file, no tree`, {
      hint: 'path, include, exclude and strip choose from a tree',
    });
  }
  const info = await world.blobs.stat(input.digest, making.scratch.access.signal);
  if (info === undefined) throw new PortkitError('PK2002', `The blob ${input.digest} is not in the store`);
  await putAt(making, to.path, { ...withAttributes(plainFile, edit), type: 'file', content: info.digest, size: info.size });
}
