import type { Digest } from '../base/digest.ts';
import { PortkitError } from '../base/errors.ts';
import { defaultTarLimits } from '../formats/tar/entry.ts';
import type { TarEntry } from '../formats/tar/entry.ts';
import { writeTar } from '../formats/tar/write.ts';
import { never } from '../base/exhaustive.ts';
import type { ArchiveSpec } from '../graph/ops.ts';
import type { Op } from '../solver/op.ts';
import { listTree } from '../store/trees/list.ts';
import type { Listed } from '../store/trees/list.ts';
import { onlyInput } from './input.ts';
import type { FileWorld } from './input.ts';
import { asOutcome } from './outcome.ts';

/** A tree as the one tar of it. */
export function archiveOp({ format }: ArchiveSpec, world: FileWorld): Op {
  return {
    code: 'archive/1',
    pool: 'io',
    facts: () => Promise.resolve({ facts: { format } }),
    run: (inputs, context) =>
      asOutcome(async () => {
        const { signal } = context;
        const tree = onlyInput(inputs, 'tree');
        const { digest, size } = await world.blobs.write(writeTar(tarEntries(tree, world, signal), signal), signal);
        context.transfer(size, size);
        return { ok: true, outputs: [{ kind: 'blob', digest }] };
      }),
  };
}

/** Everything in a tree as entries of an archive; hard links lead to the first name of their file. */
async function* tarEntries(tree: Digest, { blobs }: FileWorld, signal: AbortSignal): AsyncGenerator<TarEntry> {
  let count = 0;
  for await (const listed of listTree(tree, { blobs, signal })) {
    count += 1;
    if (count > defaultTarLimits.entries) {
      throw new PortkitError('PK3303', `The tree has more than ${defaultTarLimits.entries} names`);
    }
    yield tarEntry(listed, { blobs }, signal);
  }
}

function tarEntry({ path, item, linkedTo }: Listed, world: FileWorld, signal: AbortSignal): TarEntry {
  const { mode, uid, gid, mtime, xattrs } = item;
  const attributes = { path, mode, uid, gid, mtime, xattrs };
  if (linkedTo !== undefined) return { ...attributes, type: 'hardlink', target: linkedTo };
  switch (item.type) {
    case 'file':
      return { ...attributes, type: 'file', size: item.size, content: contentOf(item, world, signal) };
    case 'symlink':
      return { ...attributes, type: item.type, target: item.target };
    case 'char':
    case 'block':
      return { ...attributes, type: item.type, major: item.major, minor: item.minor };
    case 'dir':
    case 'fifo':
      return { ...attributes, type: item.type };
    default:
      return never(item);
  }
}

/** Small files come in one piece, without a stream each. */
const small = 2 ** 16;

async function* contentOf(
  file: { readonly content: Digest; readonly size: number },
  { blobs }: FileWorld,
  signal: AbortSignal,
): AsyncGenerator<Uint8Array> {
  const bytes = file.size <= small ? blobs.get(file.content) : await blobs.open(file.content, signal);
  if (bytes === undefined) throw new PortkitError('PK2002', `The blob ${file.content} is not in the store`);
  if (bytes instanceof Uint8Array) yield bytes;
  else yield* bytes;
}
