import type { PathItem } from '../../src/artifacts/listed.ts';
import type { ExportContext, Target } from '../../src/artifacts/exporter.ts';
import { byteString, fromBytes } from '../../src/base/byte-string.ts';
import type { ByteString } from '../../src/base/byte-string.ts';
import { PortkitError } from '../../src/base/errors.ts';
import { patternFilter } from '../../src/store/host/ignore.ts';
import { listTree } from '../../src/store/trees/list.ts';
import { isBelow, joinPath, showPath, splitPath } from '../../src/store/trees/path.ts';

/** One path of an output, and the target that it comes from; directories above targets come from none. */
export interface Placed extends PathItem {
  readonly target: Target | undefined;
}

/** What results do not say about themselves. */
const plain = { uid: 0, gid: 0, mtime: { seconds: 0, nanos: 0 }, xattrs: [] };
const root = fromBytes(Buffer.of());
/** More names than any result of use has; equal subtrees can make a small tree endless. */
const mostNames = 1_000_000;
/** The system takes no longer path in one piece (PATH_MAX, with room for where it stands). */
const longestPath = 3500;

/** Whether the contents of the only target are the output; otherwise every target has a name of its own in it. */
function isWhole(targets: readonly Target[]): boolean {
  return targets.length === 1 && targets[0]?.ref.kind === 'tree';
}

/** Where a target stands in an output, relative to its root. */
export function placeOf(target: Target, targets: readonly Target[]): ByteString {
  return isWhole(targets) ? root : byteString(target.name);
}

/**
 * Everything that an output is to hold, a directory before its entries, names by byte. Only what the patterns match, and
 * the directories above it; a hard link leads to the first name that is picked. Refuses what is no set of files (PK3405)
 * and patterns that match nothing (PK3403).
 */
export async function* layout(
  targets: readonly Target[],
  patterns: readonly string[],
  context: ExportContext,
): AsyncGenerator<Placed> {
  let count = 0;
  const all = allPaths(targets, context);
  for await (const placed of patterns.length === 0 ? all : picked(all, patterns)) {
    count += 1;
    if (count > mostNames) throw unfit(`there are more than ${mostNames} names`);
    if (placed.path.length > longestPath) throw unfit(`the path ${showPath(placed.path)}… has ${placed.path.length} bytes`);
    yield placed;
  }
  if (count > 0 || patterns.length === 0) return;
  throw new PortkitError('PK3403', `No path of the results matches src=${patterns.join(' src=')}`, {
    hint: 'Patterns match paths as they would be written: NAME/PATH with several targets, PATH within a single tree',
  });
}

async function* allPaths(targets: readonly Target[], context: ExportContext): AsyncGenerator<Placed> {
  const made = new Set<string>();
  for (const { target, path } of inOrder(targets)) {
    for (const above of parentsOf(path)) {
      if (made.has(above)) continue;
      made.add(above);
      yield { path: above, item: { type: 'dir', mode: 0o755, ...plain }, linkedTo: undefined, target: undefined };
    }
    yield* target.ref.kind === 'blob' ? blobAt(target, path, context) : treeAt(target, path, context);
  }
}

async function* blobAt(target: Target, path: ByteString, { blobs, signal }: ExportContext): AsyncGenerator<Placed> {
  const { digest } = target.ref;
  const info = await blobs.stat(digest, signal);
  if (info === undefined) throw new PortkitError('PK2002', `The blob ${digest} is not in the store`);
  yield { path, item: { type: 'file', content: digest, size: info.size, mode: 0o644, ...plain }, linkedTo: undefined, target };
}

async function* treeAt(target: Target, path: ByteString, context: ExportContext): AsyncGenerator<Placed> {
  for await (const { path: inside, item, linkedTo } of listTree(target.ref.digest, context)) {
    const place = inside === '' ? path : joinPath(path, inside);
    yield { path: place, item, linkedTo: linkedTo && joinPath(path, linkedTo), target };
  }
}

async function* picked(all: AsyncIterable<Placed>, patterns: readonly string[]): AsyncGenerator<Placed> {
  const filter = patternFilter({ include: patterns.map(byteString), exclude: [] });
  const keeps = (path: ByteString): boolean => path !== '' && filter.keeps(path);
  let above: Placed[] = [];
  /** For files whose first name is not picked: the first one that is. */
  const firsts = new Map<ByteString, ByteString>();
  for await (const one of all) {
    above = above.filter((directory) => isBelow(one.path, directory.path));
    if (!keeps(one.path)) {
      if (one.item.type === 'dir') above.push(one);
      continue;
    }
    yield* above;
    above = [];
    const { linkedTo } = one;
    if (linkedTo === undefined || keeps(linkedTo)) yield one;
    else {
      yield { ...one, linkedTo: firsts.get(linkedTo) };
      if (!firsts.has(linkedTo)) firsts.set(linkedTo, one.path);
    }
  }
}

/** The targets as the names in a directory are sorted; two cannot be at one path, nor one within another. */
function inOrder(targets: readonly Target[]): readonly { readonly target: Target; readonly path: ByteString }[] {
  const placed = targets
    .map((target) => ({ target, path: checkedPlace(target, targets) }))
    .toSorted((a, b) => (sortable(a.path) < sortable(b.path) ? -1 : 1));
  placed.forEach(({ path }, at) => {
    const next = placed[at + 1]?.path;
    if (next !== undefined && (next === path || isBelow(next, path))) {
      throw unfit(`the targets ${showPath(path)} and ${showPath(next)} want the same path`);
    }
  });
  return placed;
}

function checkedPlace(target: Target, targets: readonly Target[]): ByteString {
  const path = placeOf(target, targets);
  try {
    splitPath(path);
    if (path !== '' || isWhole(targets)) return path;
  } catch (error) {
    throw unfit(`the target ${JSON.stringify(target.name)} has a name that is no path`, error);
  }
  throw unfit('a target has no name');
}

function parentsOf(path: ByteString): readonly ByteString[] {
  const names = splitPath(path).slice(0, -1);
  return names.map((_, at) => names.slice(0, at + 1).reduce(joinPath, root));
}

/** Text that sorts like a listing: the slash before every other byte. */
function sortable(path: ByteString): string {
  return path.replaceAll('/', '\0');
}

function unfit(what: string, cause?: unknown): PortkitError {
  return new PortkitError('PK3405', `The results cannot be written: ${what}`, {
    hint: 'Pick with target=NAME or src=GLOB',
    cause,
  });
}
