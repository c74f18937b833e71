import { byteString } from '../../src/base/byte-string.ts';
import type { Digest } from '../../src/base/digest.ts';
import type { Ref } from '../../src/base/ref.ts';
import type { FileWorld } from '../../src/ops/input.ts';
import { packerWith } from '../../src/ops/packer.ts';
import type { Packer } from '../../src/ops/packer.ts';
import { runProgram } from '../../src/ops/run-program.ts';
import { unxzWith } from '../../src/ops/unxz.ts';
import type { Op, OpContext, Outcome } from '../../src/solver/op.ts';
import { createMemoryStore } from '../../src/store/memory.ts';
import { newTree, putDirectory, putEntry, putLink, writeTree } from '../../src/store/trees/editor.ts';
import { listTree } from '../../src/store/trees/list.ts';
import type { Attributes } from '../../src/store/trees/node.ts';
import { selectItem } from '../../src/store/trees/select.ts';

/** Nobody cancels. */
export const { signal } = new AbortController();

/** A context that nobody watches. */
export const context: OpContext = { signal, output: () => undefined, transfer: () => undefined };

/** A store in memory and the real xz. */
export function createWorld(): FileWorld & { readonly unxz: ReturnType<typeof unxzWith>; readonly packer: Packer } {
  return {
    blobs: createMemoryStore(),
    unxz: unxzWith(runProgram, '/usr/bin:/bin'),
    packer: packerWith(async () => runProgram, '/usr/bin:/bin'),
  };
}

const plain: Attributes = { mode: 0o644, uid: 0, gid: 0, mtime: { seconds: 0, nanos: 0 }, xattrs: [] };
const parents: Attributes = { ...plain, mode: 0o755 };

/** Keeps bytes as a blob. */
export async function blob(world: FileWorld, bytes: string | Uint8Array): Promise<Ref> {
  return { kind: 'blob', digest: await keep(world, bytes) };
}

/** The bytes of a blob. */
export function bytesOf(world: FileWorld, ref: Ref | undefined): Buffer {
  const bytes = ref && world.blobs.get(ref.digest);
  if (bytes === undefined) throw new Error('There is no blob');
  return Buffer.from(bytes);
}

async function keep(world: FileWorld, bytes: string | Uint8Array): Promise<Digest> {
  const batch = world.blobs.batch();
  const digest = batch.add(Buffer.from(bytes));
  await batch.commit(signal);
  return digest;
}

/** What stands at a path of a tree to be made: text or bytes of a file, or something else. */
export type Standing =
  | string
  | Uint8Array
  | ({ readonly file: string } & Partial<Attributes>)
  | ({ readonly dir: true } & Partial<Attributes>)
  | ({ readonly symlink: string } & Partial<Attributes>)
  | { readonly hardlink: string };

/** Makes a tree of paths and what stands there. */
export async function tree(world: FileWorld, files: Readonly<Record<string, Standing>>): Promise<Ref> {
  const editor = newTree(parents, { blobs: world.blobs, signal });
  for (const [name, standing] of Object.entries(files)) {
    const path = byteString(name);
    if (typeof standing === 'string' || standing instanceof Uint8Array) {
      const entry = { ...plain, type: 'file' as const, content: await keep(world, standing), size: Buffer.from(standing).length };
      await putEntry(editor, path, { entry, parents });
    } else if ('hardlink' in standing) {
      await putLink(editor, path, { target: byteString(standing.hardlink), parents });
    } else if ('dir' in standing) {
      const { dir: _, ...own } = standing;
      await putDirectory(editor, path, { attributes: { ...parents, ...own }, parents });
    } else if ('symlink' in standing) {
      const { symlink, ...own } = standing;
      const entry = { ...plain, mode: 0o777, ...own, type: 'symlink' as const, target: byteString(symlink) };
      await putEntry(editor, path, { entry, parents });
    } else {
      const { file, ...own } = standing;
      const entry = { ...plain, ...own, type: 'file' as const, content: await keep(world, file), size: Buffer.byteLength(file) };
      await putEntry(editor, path, { entry, parents });
    }
  }
  return { kind: 'tree', digest: await writeTree(editor) };
}

/** A tree as lines: path, type, mode, owner, and what it holds or where it leads; other facts only where they are not plain. */
export async function show(world: FileWorld, ref: Ref | undefined): Promise<readonly string[]> {
  if (ref?.kind !== 'tree') throw new Error('This is no tree');
  const lines: string[] = [];
  for await (const { path, item, linkedTo } of listTree(ref.digest, { blobs: world.blobs, signal })) {
    const { mode, uid, gid, mtime, xattrs } = item;
    const what = linkedTo === undefined ? detail(world, item) : ` = ${linkedTo}`;
    const time = mtime.seconds === 0 && mtime.nanos === 0 ? '' : ` @${mtime.seconds}.${mtime.nanos}`;
    const extra = xattrs.map(({ name, value }) => ` ${name}:${Buffer.from(value).toString()}`).join('');
    lines.push(`/${path} ${item.type} ${mode.toString(8).padStart(4, '0')} ${uid}:${gid}${what}${time}${extra}`);
  }
  return lines;
}

type Item = Awaited<ReturnType<ReturnType<typeof listTree>['next']>>['value']['item'];

function detail(world: FileWorld, item: Item): string {
  if (item.type === 'file') return ` "${bytesOf(world, { kind: 'blob', digest: item.content }).toString('latin1').slice(0, 40)}"`;
  if (item.type === 'symlink') return ` -> ${item.target}`;
  return item.type === 'char' || item.type === 'block' ? ` ${item.major},${item.minor}` : '';
}

/** The bytes of a file of a tree. */
export async function fileAt(world: FileWorld, ref: Ref, path: string): Promise<Buffer> {
  const item = await selectItem(ref.digest, byteString(path), { blobs: world.blobs, signal });
  if (item?.type !== 'file') throw new Error(`There is no file ${path}`);
  return bytesOf(world, { kind: 'blob', digest: item.content });
}

/** Runs an op. */
export function run(op: Op, ...inputs: readonly Ref[]): Promise<Outcome> {
  return op.run(inputs, context);
}

/** The one output of an op that worked. */
export async function output(op: Op, ...inputs: readonly Ref[]): Promise<Ref> {
  const outcome = await run(op, ...inputs);
  const [ref] = outcome.ok ? outcome.outputs : [];
  if (!outcome.ok || ref === undefined) throw new Error(`The op failed: ${JSON.stringify(outcome)}`);
  return ref;
}
