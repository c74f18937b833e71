import type { ByteString } from '../../base/byte-string.ts';
import { fromBytes, showBytes, toBytes } from '../../base/byte-string.ts';
import { git } from './command.ts';
import type { GitWorld } from './command.ts';
import { refused } from './objects.ts';
import type { Listed } from './objects.ts';
import { submoduleUrl } from './url.ts';
import type { RepositoryUrl } from './url.ts';

/** Where a submodule stands, where its repository is, and which commit of it is meant. */
export interface Submodule {
  readonly path: ByteString;
  readonly url: RepositoryUrl;
  readonly commit: string;
}

/** The submodules of a commit, as its `.gitmodules` has them; that file is only read, never obeyed. */
export async function submodulesOf(
  repository: string,
  { listed, parent }: { readonly listed: readonly Listed[]; readonly parent: RepositoryUrl },
  world: GitWorld,
): Promise<readonly Submodule[]> {
  const commits = listed.filter(({ kind }) => kind === 'commit');
  if (commits.length === 0) return [];
  const file = listed.find(({ path, kind }) => path === '.gitmodules' && (kind === 'file' || kind === 'program'));
  if (file === undefined) throw refused('it has submodules and no .gitmodules');
  const said = await git({ repository, args: ['config', '--blob', file.id, '--no-includes', '-z', '--list'] }, world);
  const urls = urlsByPath(fromBytes(said));
  return commits.map(({ path, id }) => {
    const url = urls.get(path);
    if (url === undefined) throw refused(`no URL is given for the submodule ${JSON.stringify(showBytes(path).slice(0, 200))}`);
    return { path, url: submoduleUrl(url, parent), commit: id };
  });
}

function urlsByPath(text: string): ReadonlyMap<string, string> {
  const said = new Map<string, { path?: string; url?: string }>();
  for (const line of text.split('\0')) {
    const match = /^submodule\.([^]+)\.(path|url)\n([^]*)$/.exec(line);
    if (match === null) continue;
    const [, name = '', key, value] = match;
    said.set(name, { ...said.get(name), [key === 'path' ? 'path' : 'url']: value });
  }
  return new Map(
    [...said.values()].flatMap(({ path, url }) => (path === undefined || url === undefined ? [] : [[path, utf8(url)]])),
  );
}

function utf8(bytes: string): string {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- a part of a byte string is one
  return toBytes(bytes as ByteString).toString('utf8');
}
