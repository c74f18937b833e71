import { mkdir, open, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { showBytes } from '../../base/byte-string.ts';
import { PortkitError } from '../../base/errors.ts';
import type { FileEntry, FileTree } from '../../formats/file-tree.ts';
import { digestOfEntries } from '../../formats/tree-identity.ts';
import { imageIn, make, said } from './program.ts';
import type { MadeImage, MkfsWorld } from './program.ts';

/** What is asked of a vfat image. */
export interface VfatOptions {
  /** At most 11 bytes. */
  readonly label?: string;
  /** The exact size in bytes; as small as it can be unless given. */
  readonly size?: number;
  /** Eight hex digits; derived from the tree unless given. */
  readonly serial?: string;
  /** The time of everything, in seconds; 1980 unless given, where the times of FAT begin. */
  readonly mtime?: number;
  /** What names the tree, so that the serial number depends on it; its entries unless given. */
  readonly identity?: string;
}

const [year1980, year2108] = [315_532_800, 4_354_819_200];
const cluster = 4096;
const sector = 512;
const mib = 2 ** 20;
/** With clusters of 4 KiB, fewer bytes make no FAT32, and more no FAT16. */
const fat32From = 260 * mib;

/** What there is to say of the mtools of this machine: the image has its version in it. */
export async function vfatTool(world: MkfsWorld, signal: AbortSignal): Promise<string> {
  const { stdout } = await said({ argv: ['mformat', '--version'] }, world, signal);
  return stdout.split('\n')[0] ?? '';
}

/**
 * A tree as the FAT image that mtools makes of it, as an EFI system partition has to be: the same bytes whatever the time,
 * the user and the folder are. FAT has no owners, modes and links: a hard link is one more copy, everything has one time,
 * and what FAT cannot have at all is PK3955. A failure of the programs is PK3956, none PK6901.
 */
export async function makeVfat(
  tree: FileTree,
  options: VfatOptions,
  { world, signal }: { readonly world: MkfsWorld; readonly signal: AbortSignal },
): Promise<MadeImage> {
  const files = new Map(tree.entries.flatMap((entry) => (entry.type === 'file' ? [[entry.path as string, entry] as const] : [])));
  const { label, serial, size, mtime } = checked(options, tree.entries);
  check(tree.entries);
  return imageIn(world.scratch, async (folder) => {
    const image = join(folder, 'image');
    const room = roomFor(tree.entries, files);
    const bytes = size ?? room.bytes;
    await using made = await open(image, 'wx', 0o600);
    await made.truncate(bytes);
    // Nothing that stands in the settings of this machine.
    const env = { HOME: folder, SOURCE_DATE_EPOCH: `${mtime}`, MTOOLS_LOWER_CASE: '0', MTOOLS_NO_VFAT: '0' };
    const call = async (argv: readonly [string, ...string[]]): Promise<void> => make({ argv, env }, world, signal);
    const form = ['-T', `${bytes / sector}`, '-h', '16', '-s', '63', '-c', `${cluster / sector}`];
    const names = [
      '-N',
      serial,
      ...(label === '' ? [] : ['-v', label]),
      ...(bytes >= fat32From ? ['-F'] : ['-r', `${room.rootSectors}`]),
    ];
    await call(['mformat', '-i', image, ...form, ...names, '::']);
    const batchFolder = join(folder, 'files');
    await mkdir(batchFolder);
    for (const { parent, entries } of batches(tree.entries, files)) {
      const [only] = entries;
      if (only?.type === 'dir') {
        await call(['mmd', '-i', image, `::/${only.path}`]);
        continue;
      }
      const places = await Promise.all(
        entries.map(async (entry) => {
          const place = join(batchFolder, entry.path.slice(entry.path.lastIndexOf('/') + 1));
          const content = contentOf(tree, fileOf(entry, files), signal);
          await using copy = await open(place, 'wx', 0o600);
          await copy.writeFile(content);
          return place;
        }),
      );
      await call(['mcopy', '-i', image, ...places, `::/${parent}`]);
      await Promise.all(places.map((place) => rm(place)));
    }
  });
}

/** Files of one directory in a row, which one call can copy, or one directory. */
interface Batch {
  readonly parent: string;
  readonly entries: FileEntry[];
  bytes: number;
}

const [mostFiles, mostBytes] = [200, 64 * mib];

function* batches(entries: readonly FileEntry[], files: ReadonlyMap<string, File>): Generator<Batch> {
  let batch: Batch | undefined;
  for (const entry of entries) {
    if (entry.path === '') continue;
    const parent = parentOf(entry.path);
    const size = entry.type === 'dir' ? 0 : fileOf(entry, files).size;
    const joins = batch?.parent === parent && batch.entries.length < mostFiles && batch.bytes + size <= mostBytes;
    if (batch !== undefined && joins && entry.type !== 'dir' && batch.entries[0]?.type !== 'dir') {
      batch.entries.push(entry);
      batch.bytes += size;
      continue;
    }
    if (batch !== undefined) yield batch;
    batch = { parent, entries: [entry], bytes: size };
  }
  if (batch !== undefined) yield batch;
}

function parentOf(path: string): string {
  return path.slice(0, Math.max(path.lastIndexOf('/'), 0));
}

function fileOf(entry: FileEntry, files: ReadonlyMap<string, File>): File {
  const file = files.get(entry.type === 'hardlink' ? entry.target : entry.path);
  if (file === undefined) throw new Error(`The entry ${entry.path} is no file`);
  return file;
}

type File = Extract<FileEntry, { type: 'file' }>;

async function* contentOf(
  { contents }: FileTree,
  { content, size, path }: File,
  signal: AbortSignal,
): AsyncGenerator<Uint8Array> {
  const opened = contents.open(content, signal);
  let count = 0;
  for await (const bytes of opened instanceof Uint8Array ? [opened] : opened) {
    count += bytes.length;
    yield bytes;
  }
  if (count !== size) throw new PortkitError('PK2101', `"/${showBytes(path)}" has not the ${size} bytes that it announced`);
}

function checked({ label = '', serial, size, mtime = year1980, identity }: VfatOptions, entries: readonly FileEntry[]) {
  if (!/^[ -~]{0,11}$/.test(label)) throw refused(`The label ${JSON.stringify(label)} is not at most 11 ASCII characters`);
  if (serial !== undefined && !/^[0-9a-fA-F]{8}$/.test(serial)) throw refused(`The serial number ${serial} is not 8 hex digits`);
  if (size !== undefined && !(Number.isSafeInteger(size / sector) && size >= 64 * 1024 && size <= 2 ** 40))
    throw refused(`A vfat image cannot have ${size} bytes`);
  if (!(Number.isInteger(mtime) && mtime >= year1980 && mtime < year2108))
    throw refused(`A vfat image cannot say the time ${mtime}`);
  const derived = digestOfEntries(identity === undefined ? entries : [], `portkit vfat 1\0${identity ?? ''}\0${label}`);
  return { label, serial: serial ?? derived.toString('hex', 0, 4), size, mtime };
}

function refused(message: string): PortkitError {
  return new PortkitError('PK1004', message);
}

/**
 * Room for every file and directory in whole clusters, and for the tables, as a whole number of MiB; and for the root, whose
 * place has a fixed size on FAT12 and FAT16.
 */
function roomFor(
  entries: readonly FileEntry[],
  files: ReadonlyMap<string, File>,
): { readonly bytes: number; readonly rootSectors: number } {
  const clusters = (bytes: number): number => Math.ceil(bytes / cluster);
  const names = new Map<string, number>();
  let data = 0;
  for (const entry of entries) {
    data += clusters(files.get(entry.type === 'hardlink' ? entry.target : entry.path)?.size ?? 0);
    const parent = parentOf(entry.path);
    // A short name, and long ones of 13 characters each.
    names.set(parent, (names.get(parent) ?? 64) + 32 * (2 + Math.ceil((entry.path.length - parent.length) / 13)));
  }
  for (const bytes of names.values()) data += clusters(bytes);
  const tables = 2 * 4 * data + 128 * sector;
  const rootSectors = Math.max(32, Math.ceil((names.get('') ?? 0) / cluster) * (cluster / sector));
  return { bytes: Math.max(Math.ceil((data * cluster + tables) / mib), 1) * mib, rootSectors };
}

function check(entries: readonly FileEntry[]): void {
  const seen = new Set<string>();
  for (const entry of entries) {
    const name = entry.path.slice(entry.path.lastIndexOf('/') + 1);
    const alike = entry.path.toLowerCase();
    const what = seen.has(alike) ? 'differs from another only in upper and lower case' : unfit(entry, name);
    if (what !== undefined)
      throw new PortkitError('PK3955', `"/${showBytes(entry.path)}" has no place on vfat: it ${what}`, {
        hint: 'Leave it out of the tree',
      });
    seen.add(alike);
  }
}

/** Names are ASCII, as what others become depends on the locale; devices of DOS are renamed by mtools. */
function unfit(entry: FileEntry, name: string): string | undefined {
  if (!/^[ -~]*$/.test(name) || /["*/:<>?\\|[\]]/.test(name))
    return 'has a name with characters that are not ASCII, or that FAT or mtools take for something else';
  if (/[. ]$|^ /.test(name)) return 'has a name that begins or ends with a dot or a space';
  if (/^(?:con|aux|nul|prn|clock\$|com[0-9]|lpt[0-9])(?:\.|$)/i.test(name)) return 'has the name of a device';
  if (entry.type === 'hardlink' || entry.type === 'dir') return undefined;
  if (entry.type !== 'file') return `is a ${entry.type}`;
  return entry.size >= 2 ** 32 ? 'has 4 GiB or more' : undefined;
}
