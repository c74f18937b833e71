import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { digestOf, hexOf } from '../../base/digest.ts';
import { PortkitError, systemCode } from '../../base/errors.ts';
import { git } from './command.ts';
import type { GitWorld } from './command.ts';
import { refused } from './objects.ts';
import type { RepositoryUrl } from './url.ts';

/** What fetching commits is lent. */
export interface FetchGitWorld extends GitWorld {
  /** A folder for bare repositories, one for each URL; only ever a cache. */
  readonly cache: string;
}

/** Calls `use` with a bare repository of ours that holds the commit and everything it names. */
export async function withCommit<T>(
  { url, commit }: { readonly url: RepositoryUrl; readonly commit: string },
  world: FetchGitWorld,
  use: (repository: string) => Promise<T>,
): Promise<T> {
  await mkdir(world.cache, { recursive: true, mode: 0o700 });
  const kept = join(world.cache, `${hexOf(digestOf(url.text)).slice(0, 32)}-${commit.length}.git`);
  const first = !existsSync(kept);
  try {
    await fetchInto(kept, { url, commit }, world);
    return await use(kept);
  } catch (error) {
    world.signal.throwIfAborted();
    if (first || !(error instanceof PortkitError) || error.code !== 'PK3209') throw error;
  }
  // What is kept may be damaged, locked by another process, or cut off: a new one decides, and takes its place.
  const fresh = await mkdtemp(join(world.cache, 'new-'));
  try {
    await fetchInto(fresh, { url, commit }, world);
    const result = await use(fresh);
    await replaceKept(kept, fresh);
    return result;
  } finally {
    await rm(fresh, { recursive: true, force: true });
  }
}

async function fetchInto(
  repository: string,
  { url, commit }: { readonly url: RepositoryUrl; readonly commit: string },
  world: GitWorld,
): Promise<void> {
  await mkdir(repository, { recursive: true, mode: 0o700 });
  const format = commit.length === 64 ? 'sha256' : 'sha1';
  await git({ repository, args: ['init', '--quiet', '--bare', '--template=', `--object-format=${format}`] }, world);
  if (await hasCommit(repository, commit, world)) return;
  const fetch = ['fetch', '--quiet', '--no-tags', '--no-write-fetch-head', '--no-recurse-submodules', '--no-auto-maintenance'];
  try {
    await git({ repository, args: [...fetch, '--depth=1', '--', url.text, commit] }, world);
  } catch (error) {
    if (!(error instanceof PortkitError) || error.code !== 'PK3209') throw error;
    // Some servers give out a commit only along with a branch that leads to it.
    await git({ repository, args: [...fetch, '--', url.text, '+refs/*:refs/fetched/*'] }, world);
  }
  if (!(await hasCommit(repository, commit, world))) throw refused(`${commit} is not a commit of ${url.text}`);
}

/** Whether the commit is here with everything it names, and is a commit and not a tag of that id. */
async function hasCommit(repository: string, commit: string, world: GitWorld): Promise<boolean> {
  try {
    const found = await git({ repository, args: ['rev-parse', '--verify', '--quiet', `${commit}^{commit}`] }, world);
    return found.toString('latin1').trim() === commit;
  } catch (error) {
    if (error instanceof PortkitError && error.code === 'PK3209') return false;
    throw error;
  }
}

/** Another process may do the same at the same time; whoever is first is as good. */
async function replaceKept(kept: string, fresh: string): Promise<void> {
  try {
    await rename(kept, join(fresh, 'before'));
    await rename(fresh, kept);
    await rm(join(kept, 'before'), { recursive: true, force: true });
  } catch (error) {
    if (!['ENOENT', 'ENOTEMPTY', 'EEXIST'].includes(systemCode(error) ?? '')) throw error;
  }
}
