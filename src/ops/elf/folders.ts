import { posix } from 'node:path';
import { byteString, fromBytes } from '../../base/byte-string.ts';
import type { ByteString } from '../../base/byte-string.ts';
import { compileGlob } from '../../store/host/glob.ts';
import { joinPath, sameBytes } from '../../store/trees/path.ts';
import { followPath } from '../tree/paths.ts';
import { contentOf, findFile } from './trees.ts';
import type { ElfFile, LibraryTrees } from './trees.ts';

/** Debian's name of each processor, which its folders of libraries have; by the number in ELF headers. */
const triplets: ReadonlyMap<string, readonly string[]> = new Map([
  ['3/32/little', ['i386-linux-gnu']],
  ['8/32/little', ['mipsel-linux-gnu']],
  ['8/64/little', ['mips64el-linux-gnuabi64']],
  ['21/64/little', ['powerpc64le-linux-gnu']],
  ['21/64/big', ['powerpc64-linux-gnu']],
  ['22/64/big', ['s390x-linux-gnu']],
  ['40/32/little', ['arm-linux-gnueabihf', 'arm-linux-gnueabi']],
  ['62/64/little', ['x86_64-linux-gnu']],
  ['62/32/little', ['x86_64-linux-gnux32']],
  ['183/64/little', ['aarch64-linux-gnu']],
  ['243/64/little', ['riscv64-linux-gnu']],
  ['258/64/little', ['loongarch64-linux-gnu']],
]);

/** The folders that every library is looked for in, as the loader of this program does. */
export async function systemFolders(program: ElfFile, trees: LibraryTrees): Promise<readonly ByteString[]> {
  const loader = program.elf.interpreter ?? '';
  const musl = /(?:^|\/)ld-musl-([^/]+)\.so\.1$/.exec(loader)?.[1];
  if (musl !== undefined) return muslFolders(musl, trees);
  const { machine, bits, endian } = program.elf;
  const names = triplets.get(`${machine}/${bits}/${endian}`) ?? [];
  const wide = bits === 64 ? ['lib64', 'usr/lib64'] : [];
  const own = [...names.flatMap((name) => [`lib/${name}`, `usr/lib/${name}`]), ...wide, 'lib', 'usr/lib'].map(byteString);
  return [...(await configured(trees)), ...own];
}

/** musl has one file of folders, or three by default; ld.so.conf means nothing to it. */
async function muslFolders(name: string, trees: LibraryTrees): Promise<readonly ByteString[]> {
  const text = await textOf(sameBytes(`etc/ld-musl-${name}.path`), trees);
  return (text ?? '/lib:/usr/local/lib:/usr/lib').split(/[\n:]/).flatMap((folder) => inTree(folder.trim()));
}

/** The folders of a list with colons, with `$ORIGIN` as the folder of the file; relative ones are left out. */
export function listedFolders(list: string, file: ByteString): readonly ByteString[] {
  const origin = `/${posix.dirname(file)}`;
  return list.split(':').flatMap((folder) => inTree(folder.replaceAll(/\$ORIGIN\b|\$\{ORIGIN\}/g, () => origin)));
}

/** An absolute path as it is in a tree, `..` resolved by name; nothing for any other, or with a variable left in it. */
function inTree(path: string): readonly ByteString[] {
  return path.startsWith('/') && !path.includes('$') ? [sameBytes(posix.normalize(path).replaceAll(/^\/|\/$/g, ''))] : [];
}

const mostFiles = 200;

/** The folders of /etc/ld.so.conf and, where they are included, of other files; each file counts once. */
async function configured(
  trees: LibraryTrees,
  path: ByteString = byteString('etc/ld.so.conf'),
  seen = new Set<ByteString>(),
): Promise<readonly ByteString[]> {
  if (seen.has(path) || seen.size === mostFiles) return [];
  seen.add(path);
  const folders: ByteString[] = [];
  for (const raw of ((await textOf(path, trees)) ?? '').split('\n')) {
    const line = raw.replace(/#.*/, '').trim();
    const include = /^include\s+(.+)$/.exec(line)?.[1];
    if (include === undefined) folders.push(...inTree(line));
    for (const pattern of include?.split(/\s+/) ?? []) {
      for (const file of await matching(posix.resolve('/', posix.dirname(path), pattern), trees)) {
        folders.push(...(await configured(trees, file, seen)));
      }
    }
  }
  return folders;
}

/** The files that a pattern of ld.so.conf matches; wildcards are read in the last name only, as everyone uses them. */
async function matching(pattern: string, { roots, access }: LibraryTrees): Promise<readonly ByteString[]> {
  const folder = sameBytes(posix.dirname(pattern).slice(1));
  const glob = compileGlob(sameBytes(posix.basename(pattern)));
  const names = new Set<ByteString>();
  for (const root of roots) {
    const { item } = await followPath(root, folder, { access, last: 'follow' });
    for (const { name } of item?.type === 'dir' ? item.entries : []) if (glob.matches(name)) names.add(name);
  }
  return [...names].sort().map((name) => joinPath(folder, name));
}

async function textOf(path: ByteString, trees: LibraryTrees): Promise<ByteString | undefined> {
  const found = await findFile(path, trees);
  return found && fromBytes(await contentOf(found.file, trees, { path, most: 2 ** 20 }));
}
