import { posix } from 'node:path';
import type { ByteString } from '../../base/byte-string.ts';
import { PortkitError } from '../../base/errors.ts';
import { joinPath, sameBytes, showPath } from '../../store/trees/path.ts';
import { listedFolders, systemFolders } from './folders.ts';
import { findElf } from './trees.ts';
import type { ElfFile, LibraryTrees } from './trees.ts';

/** A program or library, and the folders that its RPATH and those of the files that asked for it add. */
interface Loaded extends ElfFile {
  readonly rpaths: readonly ByteString[];
}

/** More than any program has. */
const mostLibraries = 4096;

/**
 * Everything that the dynamic loader would load for a program, and the loader: what `ldd` lists, without running anything.
 * The order is that of loading. Only what every machine of the kind finds counts: no folders for single processors.
 */
export async function librariesOf(program: ElfFile, trees: LibraryTrees): Promise<readonly ElfFile[]> {
  const loader = await findLoader(program, trees);
  const found: ElfFile[] = loader === undefined ? [] : [loader];
  /** The names that are taken care of: a library is known by the name it was asked for and by its own. */
  const known = new Set<ByteString>(loader === undefined ? [] : namesOf(loader));
  const isMusl = loader !== undefined && posix.basename(loader.path).startsWith('ld-musl-');
  const folders = await systemFolders(program, trees);
  const waiting: Loaded[] = [{ ...program, rpaths: rpathsOf(program) }];
  for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
    for (const name of next.elf.needed) {
      if (known.has(name) || (isMusl && /^lib(?:c|m|dl|rt|pthread|util|xnet|crypt|resolv)\.so$|^libc\.musl-/.test(name)))
        continue;
      const library = await findLibrary(name, next, { folders, trees });
      known.add(name);
      for (const own of namesOf(library)) known.add(own);
      found.push(library);
      if (found.length > mostLibraries)
        throw new PortkitError('PK3303', `${showPath(program.path)} needs more than ${mostLibraries} libraries`);
      waiting.push({ ...library, rpaths: [...rpathsOf(library), ...next.rpaths] });
    }
  }
  return found;
}

function namesOf({ path, elf }: ElfFile): readonly ByteString[] {
  return [sameBytes(posix.basename(path)), ...(elf.soname === undefined ? [] : [elf.soname])];
}

/** A file that has a RUNPATH says nothing by its RPATH. */
function rpathsOf({ path, elf }: ElfFile): readonly ByteString[] {
  return elf.runpath === undefined && elf.rpath !== undefined ? listedFolders(elf.rpath, path) : [];
}

async function findLoader(program: ElfFile, trees: LibraryTrees): Promise<ElfFile | undefined> {
  const { interpreter } = program.elf;
  if (interpreter === undefined) return undefined;
  const loader = interpreter.startsWith('/') ? await findElf(sameBytes(posix.normalize(interpreter).slice(1)), trees) : undefined;
  if (loader !== undefined && runsWith(loader, program)) return loader;
  throw new PortkitError('PK3309', `${showPath(program.path)} is loaded by ${showPath(interpreter)}, which is not there`);
}

async function findLibrary(
  name: ByteString,
  by: Loaded,
  { folders, trees }: { readonly folders: readonly ByteString[]; readonly trees: LibraryTrees },
): Promise<ElfFile> {
  const { path, elf } = by;
  const asked = elf.runpath === undefined ? by.rpaths : listedFolders(elf.runpath, path);
  const places = name.includes('/') ? listedFolders(name, path) : [...asked, ...folders].map((folder) => joinPath(folder, name));
  for (const place of places) {
    const library = await findElf(place, trees);
    if (library !== undefined && runsWith(library, by)) return library;
  }
  throw new PortkitError('PK3309', `${showPath(path)} needs ${showPath(name)}, which is not there`, {
    hint: `It is in none of ${[...new Set(places.map((place) => `/${posix.dirname(place)}`))].slice(0, 12).join(', ')}`,
  });
}

/** The loader passes over libraries for other machines. */
function runsWith({ elf: a }: ElfFile, { elf: b }: ElfFile): boolean {
  return a.machine === b.machine && a.bits === b.bits && a.endian === b.endian;
}
