import { byteString } from '../../base/byte-string.ts';
import type { ByteString } from '../../base/byte-string.ts';
import { PortkitError } from '../../base/errors.ts';
import type { Ref } from '../../base/ref.ts';
import type { TreeEdit } from '../../graph/ops.ts';
import { putDirectory, removeEntry, writeTree } from '../../store/trees/editor.ts';
import type { Attributes } from '../../store/trees/node.ts';
import { showPath } from '../../store/trees/path.ts';
import type { DecompressWorld } from '../decompress.ts';
import { changeAttributes, parseMode, plainDirectory, plainFile, withAttributes } from './attributes.ts';
import type { AttributeChange } from './attributes.ts';
import { copyInto } from './copy.ts';
import { addElfLibs } from './elf-libs.ts';
import { addKernelModules } from './kernel-modules.ts';
import { linkAt, putAt, standingAt } from './lay.ts';
import type { Making } from './lay.ts';
import { editPath, missingPath } from './paths.ts';

/** What edits can refer to. */
export interface EditSources {
  readonly inputs: readonly Ref[];
  readonly world: DecompressWorld;
}

/** Makes one change. */
export async function applyEdit(making: Making, edit: TreeEdit, { inputs, world }: EditSources): Promise<void> {
  if ('copy' in edit) return copyInto(making, edit, { input: inputAt(inputs, edit.copy), world });
  if ('write' in edit) return write(making, edit);
  if ('mkdir' in edit) return makeDirectory(making, edit);
  if ('symlink' in edit) return symlink(making, edit);
  if ('hardlink' in edit) return hardlink(making, edit);
  if ('device' in edit) return device(making, edit);
  if ('remove' in edit) return remove(making, edit.remove);
  if ('chmod' in edit) return chmod(making, edit);
  if ('chown' in edit) {
    const changed: AttributeChange = (attributes) => withAttributes(attributes, { uid: edit.uid, gid: edit.gid });
    return changeAt(making, edit.chown, { changed, recursive: edit.recursive === true });
  }
  if ('xattr' in edit) return setXattr(making, edit);
  const source = { input: inputAt(inputs, edit.from), world };
  return 'elfLibs' in edit ? addElfLibs(making, edit, source) : addKernelModules(making, edit, source);
}

type EditOf<Key extends string> = Extract<TreeEdit, Record<Key, unknown>>;

function inputAt(inputs: readonly Ref[], at: number): Ref {
  const input = inputs[at];
  if (input === undefined) throw new PortkitError('PK3306', `The step has no input ${at}`);
  return input;
}

async function write(making: Making, edit: EditOf<'write'>): Promise<void> {
  const bytes = bytesOf(edit);
  const content = making.scratch.add(bytes);
  await putAt(making, editPath(edit.write).path, {
    ...withAttributes(plainFile, edit),
    type: 'file',
    content,
    size: bytes.length,
  });
}

/** The bytes that an edit gives as text or base64; none when it gives neither. */
function bytesOf({ text, base64 }: { readonly text?: string; readonly base64?: string }): Buffer {
  if (base64 === undefined) return Buffer.from(text ?? '');
  const bytes = Buffer.from(base64, 'base64');
  if (text === undefined && bytes.toString('base64') === base64) return bytes;
  throw new PortkitError(
    'PK1004',
    text === undefined ? 'A base64 text is malformed' : 'Content is given twice, as text and as base64',
    {
      hint: 'Give either text, or base64 in its one spelling: with padding and without line breaks',
    },
  );
}

async function makeDirectory(making: Making, edit: EditOf<'mkdir'>): Promise<void> {
  const { path } = editPath(edit.mkdir);
  const there = await standingAt(making, path);
  if (there !== undefined && there.type !== 'open') {
    throw new PortkitError('PK3308', `${showPath(path)} is a ${there.type} in the tree`, { hint: 'Remove it first' });
  }
  const attributes = withAttributes(there?.attributes ?? plainDirectory, edit);
  await putDirectory(making.editor, path, { attributes, parents: plainDirectory });
}

async function symlink(making: Making, edit: EditOf<'symlink'>): Promise<void> {
  const target = byteString(edit.target);
  if (target === '' || target.length > 4095 || target.includes('\0')) {
    throw new PortkitError('PK1003', `The target of the symlink ${JSON.stringify(edit.symlink)} is not allowed`);
  }
  const attributes = withAttributes({ ...plainFile, mode: 0o777 }, edit);
  await putAt(making, editPath(edit.symlink).path, { ...attributes, type: 'symlink', target });
}

async function hardlink(making: Making, edit: EditOf<'hardlink'>): Promise<void> {
  const target = editPath(edit.target).path;
  if ((await standingAt(making, target)) === undefined) {
    throw await missingPath(await writeTree(making.editor), target, making.scratch.access);
  }
  await linkAt(making, editPath(edit.hardlink).path, target);
}

async function device(making: Making, edit: EditOf<'device'>): Promise<void> {
  const { path } = editPath(edit.device);
  const attributes = withAttributes(plainFile, edit);
  const { kind, major, minor } = edit;
  const numbers = [major, minor].map((one) => one !== undefined && Number.isInteger(one) && one >= 0 && one <= 0xffffffff);
  if (kind === 'fifo' ? major !== undefined || minor !== undefined : numbers.includes(false)) {
    throw new PortkitError('PK1004', `The numbers of the device ${showPath(path)} are not allowed`, {
      hint: 'char and block devices have a major and a minor number, fifos have none',
    });
  }
  await putAt(
    making,
    path,
    kind === 'fifo' ? { ...attributes, type: kind } : { ...attributes, type: kind, major: major ?? 0, minor: minor ?? 0 },
  );
}

async function remove({ editor, scratch }: Making, text: string): Promise<void> {
  const { path } = editPath(text);
  if (path === '') throw new PortkitError('PK3308', 'The root of a tree cannot be removed');
  if (!(await removeEntry(editor, path))) throw await missingPath(await writeTree(editor), path, scratch.access);
}

async function chmod(making: Making, edit: EditOf<'chmod'>): Promise<void> {
  const mode = parseMode(edit.mode);
  const { path } = editPath(edit.chmod);
  const there = await standingAt(making, path);
  if (there?.type === 'symlink') throw new PortkitError('PK3308', `${showPath(path)} is a symlink, which has no mode`);
  const changed: AttributeChange = (attributes, type) => (type === 'symlink' ? attributes : { ...attributes, mode });
  await changeAt(making, edit.chmod, { changed, recursive: edit.recursive === true });
}

async function setXattr(making: Making, edit: EditOf<'xattr'>): Promise<void> {
  const name = byteString(edit.name);
  const value = bytesOf(edit);
  if (!/^(?:user|trusted|security|system)\.[^\0]+$/.test(name) || name.length > 255 || value.length > 65_536) {
    throw new PortkitError('PK1004', `The extended attribute ${JSON.stringify(edit.name.slice(0, 100))} is not allowed`, {
      hint: 'Its name begins with user., trusted., security. or system.; its value has at most 64 KiB',
    });
  }
  const changed: AttributeChange = (attributes) => ({ ...attributes, xattrs: withXattr(attributes.xattrs, { name, value }) });
  await changeAt(making, edit.xattr, { changed, recursive: false });
}

function withXattr(xattrs: Attributes['xattrs'], added: Attributes['xattrs'][number]): Attributes['xattrs'] {
  return [...xattrs.filter(({ name }) => name !== added.name), added].toSorted((a, b) => (a.name < b.name ? -1 : 1));
}

async function changeAt(
  { editor, scratch }: Making,
  text: string,
  wanted: { readonly changed: AttributeChange; readonly recursive: boolean },
): Promise<void> {
  const path: ByteString = editPath(text).path;
  if (!(await changeAttributes(editor, path, wanted))) throw await missingPath(await writeTree(editor), path, scratch.access);
}
