import { fromBytes, showBytes } from '../../base/byte-string.ts';
import type { ByteString } from '../../base/byte-string.ts';
import type { Digest } from '../../base/digest.ts';
import { PortkitError } from '../../base/errors.ts';
import { byteReader } from '../../formats/byte-reader.ts';
import type { ByteReader } from '../../formats/byte-reader.ts';
import type { FileWorld } from '../input.ts';
import { takeFiles } from '../take-files.ts';
import { git, startGit } from './command.ts';
import type { GitWorld } from './command.ts';

/** A name in a commit: a file, a symlink or the commit of a submodule. */
export interface Listed {
  readonly path: ByteString;
  readonly kind: 'file' | 'program' | 'symlink' | 'commit';
  readonly id: string;
}

/** The content of one object of git, in the store. */
interface Stored {
  readonly digest: Digest;
  readonly size: number;
}

/** What reading objects is lent. */
export type ObjectsWorld = GitWorld & FileWorld;

const kinds: Readonly<Record<string, Listed['kind']>> = {
  '100644': 'file',
  '100664': 'file',
  '100755': 'program',
  '120000': 'symlink',
  '160000': 'commit',
};
/** The longest target of a symlink. */
const longestTarget = 4095;

/** Everything in a commit, refused (PK3209) when a name is not what a checkout could have. */
export async function listCommit(repository: string, commit: string, world: GitWorld): Promise<readonly Listed[]> {
  const output = await git({ repository, args: ['ls-tree', '-r', '-z', '--full-tree', commit] }, world);
  const lines = fromBytes(output).split('\0');
  lines.pop();
  return lines.map((line) => {
    const match = /^(\d{6}) \w+ ([0-9a-f]{40,64})\t([^]+)$/.exec(line);
    const kind = kinds[match?.[1] ?? ''];
    if (match === null || kind === undefined) throw refused(`an entry is of a kind that is not known (${line.slice(0, 6)})`);
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- a part of a byte string is one
    const path = (match[3] ?? '') as ByteString;
    for (const name of path.split('/')) {
      if (name === '' || name === '.' || name === '..' || /^\.git$/i.test(name) || name.length > 255) {
        throw refused(`it holds the path ${JSON.stringify(showBytes(path).slice(0, 200))}`);
      }
    }
    return { path, kind, id: match[2] ?? '' };
  });
}

/** Puts objects into the store by what they hold; nothing is ever written as a file of a checkout. */
export async function storeObjects(
  repository: string,
  ids: readonly string[],
  world: ObjectsWorld,
): Promise<ReadonlyMap<string, Stored>> {
  const stored = new Map<string, Stored>();
  const files = takeFiles(world, world.signal);
  await readObjects(repository, { ids, world }, async (id, size, reader) => {
    stored.set(id, { digest: await files.take(contentOf(reader, size), size), size });
  });
  await files.finish();
  return stored;
}

/** The targets of symlinks by the id of their object. */
export async function readTargets(
  repository: string,
  ids: readonly string[],
  world: GitWorld,
): Promise<ReadonlyMap<string, ByteString>> {
  const targets = new Map<string, ByteString>();
  await readObjects(repository, { ids, world }, async (id, size, reader) => {
    if (size === 0 || size > longestTarget) throw refused('a symlink has no target or one that is too long');
    const target = await reader.take(size);
    if (target.length < size) throw refused('an object is cut off');
    targets.set(id, fromBytes(target));
  });
  return targets;
}

/** Reads objects in one process of git; `take` reads exactly as many bytes as it is told. */
async function readObjects(
  repository: string,
  { ids, world }: { readonly ids: readonly string[]; readonly world: GitWorld },
  take: (id: string, size: number, reader: ByteReader) => Promise<void>,
): Promise<void> {
  const wanted = [...new Set(ids)];
  if (wanted.length === 0) return;
  const input = linesOf(wanted);
  const { stdout, finish } = startGit({ repository, args: ['cat-file', '--batch'], input }, world);
  const reader = byteReader(stdout);
  try {
    for (const id of wanted) {
      world.signal.throwIfAborted();
      const head = (await reader.take(id.length + 6)).toString('latin1');
      if (head !== `${id} blob `) {
        if (head === '') await finish();
        throw refused(`the object ${id} is missing or no blob`);
      }
      await take(id, await readSize(reader), reader);
      if ((await reader.take(1)).toString('latin1') !== '\n') throw refused(`the object ${id} is cut off`);
    }
  } finally {
    await reader.close();
  }
  await finish();
}

async function* linesOf(ids: readonly string[]): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < ids.length; at += 1000) {
    yield await Promise.resolve(Buffer.from(`${ids.slice(at, at + 1000).join('\n')}\n`));
  }
}

async function readSize(reader: ByteReader): Promise<number> {
  let digits = '';
  for (;;) {
    const next = (await reader.take(1)).toString('latin1');
    if (next === '\n') return Number(digits);
    if (!/^\d$/.test(next) || digits.length > 14) throw refused('git answers in a way that is not known');
    digits += next;
  }
}

async function* contentOf(reader: ByteReader, size: number): AsyncGenerator<Uint8Array> {
  for (let left = size; left > 0;) {
    const bytes = await reader.some(left);
    if (bytes.length === 0) throw refused('an object is cut off');
    left -= bytes.length;
    yield bytes;
  }
}

/** The error for a commit that is not taken. */
export function refused(why: string): PortkitError {
  return new PortkitError('PK3209', `The git commit is refused: ${why}`);
}
