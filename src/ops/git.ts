import { relative, resolve } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { byteString } from '../base/byte-string.ts';
import type { ByteString } from '../base/byte-string.ts';
import { PortkitError } from '../base/errors.ts';
import type { GitSpec } from '../graph/source-ops.ts';
import type { Op, OpContext } from '../solver/op.ts';
import { newTree, putDirectory, putEntry, writeTree } from '../store/trees/editor.ts';
import type { TreeEditor } from '../store/trees/place.ts';
import type { GitWorld } from './git/command.ts';
import { listCommit, readTargets, refused, storeObjects } from './git/objects.ts';
import type { Listed, ObjectsWorld } from './git/objects.ts';
import { withCommit } from './git/repository.ts';
import type { FetchGitWorld } from './git/repository.ts';
import { submodulesOf } from './git/submodules.ts';
import { parseRepository } from './git/url.ts';
import type { RepositoryUrl } from './git/url.ts';
import { resolveInside } from './inside.ts';
import type { Bounds } from './inside.ts';
import { asOutcome } from './outcome.ts';

/** What git steps are lent by their builder; repositories of this machine must be within the bounds. */
export type GitOpWorld = Omit<FetchGitWorld & ObjectsWorld, 'signal'> & Bounds;

const plain = { mode: 0o755, uid: 0, gid: 0, mtime: { seconds: 0, nanos: 0 }, xattrs: [] };
const mostSubmodules = 500;
const deepest = 10;

/**
 * A commit of a repository as a tree: what git has, byte for byte, without filters, line end conversion or `export-ignore`,
 * with modes 0644 and 0755 and the time 0. Nothing of it is ever a file of this machine before it is in the store.
 */
export function gitOp(spec: GitSpec, world: GitOpWorld): Op {
  return {
    code: 'git/1',
    pool: 'network',
    facts() {
      const { url, commit, submodules = false, subdir = '' } = checkSpec(spec);
      return { facts: { url, commit, subdir, submodules: String(submodules) } };
    },
    run: (_, context) => asOutcome(() => takeCommit(checkSpec(spec), { ...world, signal: context.signal }, context)),
  };
}

function checkSpec(spec: GitSpec): GitSpec {
  parseRepository(spec.url);
  if (!/^(?:[0-9a-f]{40}|[0-9a-f]{64})$/.test(spec.commit)) {
    throw new PortkitError('PK3207', `Malformed commit ${JSON.stringify(spec.commit.slice(0, 100))}`, {
      hint: 'Give the full id of 40 (or 64) lower-case hex digits; branches and tags move',
    });
  }
  const names = (spec.subdir ?? '').split('/');
  if (spec.subdir !== undefined && names.some((name) => name === '' || name === '.' || name === '..' || name.includes('\0'))) {
    throw new PortkitError('PK3207', `Malformed subdir ${JSON.stringify(spec.subdir.slice(0, 200))}`, {
      hint: 'It has the form a/b/c',
    });
  }
  return spec;
}

type RunWorld = GitOpWorld & GitWorld;

async function takeCommit({ url, commit, submodules, subdir }: GitSpec, world: RunWorld, { signal }: Pick<OpContext, 'signal'>) {
  const parsed = parseRepository(url) ?? { text: pathToFileURL(resolve(world.directory, url)).href, local: true };
  const tree = newTree(plain, { blobs: world.blobs, signal });
  const taken: Taken = {
    tree,
    world,
    submodules: submodules === true,
    subdir: byteString(subdir ?? ''),
    found: false,
    modules: 0,
  };
  await put(taken, { url: parsed, commit, at: byteString(''), depth: 0 });
  if (subdir !== undefined && !taken.found) throw refused(`it has no directory ${JSON.stringify(subdir.slice(0, 200))}`);
  return { ok: true, outputs: [{ kind: 'tree', digest: await writeTree(tree) }] } as const;
}

interface Taken {
  readonly tree: TreeEditor;
  readonly world: RunWorld;
  readonly submodules: boolean;
  readonly subdir: ByteString;
  found: boolean;
  modules: number;
}

interface Part {
  readonly url: RepositoryUrl;
  readonly commit: string;
  /** Where it stands in the whole. */
  readonly at: ByteString;
  readonly depth: number;
}

async function put(taken: Taken, part: Part): Promise<void> {
  const { world, submodules } = taken;
  if (part.url.local) await resolveInside(relative(world.directory, fileURLToPath(part.url.text)) || '.', world);
  const modules = await withCommit(part, world, async (repository) => {
    const listed = await listCommit(repository, part.commit, world);
    await putListed(taken, listed, { repository, at: part.at });
    return submodules ? submodulesOf(repository, { listed, parent: part.url }, world) : [];
  });
  for (const { path, url, commit } of modules) {
    const at = join(part.at, path);
    if (placeOf(taken, at) === undefined && !`${taken.subdir}/`.startsWith(`${at}/`)) continue;
    taken.modules += 1;
    if (taken.modules > mostSubmodules || part.depth >= deepest) throw refused('it has too many or too deep submodules');
    await put(taken, { url, commit, at, depth: part.depth + 1 });
  }
}

async function putListed(
  taken: Taken,
  listed: readonly Listed[],
  { repository, at }: { readonly repository: string; readonly at: ByteString },
): Promise<void> {
  const { tree, world } = taken;
  const wanted = listed.flatMap((one) => {
    const place = placeOf(taken, join(at, one.path));
    return place === undefined ? [] : [{ ...one, place }];
  });
  if (wanted.length > 0) taken.found = true;
  const idsOf = (kinds: readonly Listed['kind'][]) => wanted.filter(({ kind }) => kinds.includes(kind)).map(({ id }) => id);
  const files = await storeObjects(repository, idsOf(['file', 'program']), world);
  const targets = await readTargets(repository, idsOf(['symlink']), world);
  for (const { place, kind, id } of wanted) {
    const file = files.get(id);
    const target = targets.get(id);
    if (kind === 'commit') await putDirectory(tree, place, { attributes: plain, parents: plain });
    else if (kind === 'symlink' && target !== undefined) {
      const entry = { ...plain, type: 'symlink', mode: 0o777, target } as const;
      await putEntry(tree, place, { entry, parents: plain });
    } else if (file !== undefined) {
      const mode = kind === 'program' ? 0o755 : 0o644;
      const entry = { ...plain, type: 'file', mode, content: file.digest, size: file.size } as const;
      await putEntry(tree, place, { entry, parents: plain });
    }
  }
}

/** The path below the directory that is asked for; undefined when it is not in there. */
function placeOf({ subdir }: Taken, path: ByteString): ByteString | undefined {
  if (subdir === '') return path;
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- a part of a byte string is one
  return path.startsWith(`${subdir}/`) ? (path.slice(subdir.length + 1) as ByteString) : undefined;
}

function join(directory: ByteString, path: ByteString): ByteString {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- byte strings joined are a byte string
  return directory === '' ? path : (`${directory}/${path}` as ByteString);
}
