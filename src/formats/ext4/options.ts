import { PortkitError } from '../../base/errors.ts';
import { uuidForm } from '../uuid.ts';

/** Free space to add: an amount, or a share of what is used. */
export type Headroom = { readonly bytes: number } | { readonly percent: number };

/** Bytes `start` (included) to `end` (not included) of a file hold data. */
export interface DataRange {
  readonly start: number;
  readonly end: number;
}

/** What an image may be made for, in one word: checksums, a journal, both or neither. */
export const ext4Profiles = {
  plain: { profile: 'plain', journal: false },
  csum: { profile: 'csum', journal: false },
  journal: { profile: 'plain', journal: true },
  'csum-journal': { profile: 'csum', journal: true },
} as const satisfies Readonly<Record<string, Pick<Ext4Options, 'profile' | 'journal'>>>;

/** How an image shall be. Everything left out is derived from the tree. */
export interface Ext4Options {
  /** `csum` checksums all metadata (64bit, metadata_csum); the default `plain` does not. */
  readonly profile?: 'plain' | 'csum';
  /** A journal, for writable guests that may lose power. */
  readonly journal?: boolean;
  /** The exact size in bytes. */
  readonly size?: number;
  /** Free space where no size is given: by default a tenth of what is used and at least 1 MiB. */
  readonly headroom?: Headroom;
  /** At least this many inodes in all; by default one for 16 KiB, and a quarter more than are used. */
  readonly inodes?: number;
  /** At least this many free inodes. */
  readonly inodeHeadroom?: number;
  readonly label?: string;
  readonly uuid?: string;
  /** The seed of directory hashes, written like a UUID. */
  readonly hashSeed?: string;
  /** What names the whole tree, contents included, such as its digest: the UUID and the hash seed are derived from it. */
  readonly identity?: string;
  /** Where a file has data, ascending; the rest are holes. Undefined for files without holes. */
  readonly dataRanges?: (content: string) => readonly DataRange[] | undefined;
}

/** Throws (PK3502) at the first value that cannot be. */
export function checkOptions(options: Ext4Options): void {
  for (const name of ['size', 'inodes', 'inodeHeadroom'] as const) checkAmount(name, options[name]);
  if (options.size !== undefined && options.size % 4096 !== 0) {
    throw refused(`the size ${options.size} is not a multiple of 4096`);
  }
  for (const [name, value] of Object.entries(options.headroom ?? {})) checkAmount(`headroom (${name})`, value);
  if (options.size !== undefined && options.headroom !== undefined) throw refused('size and headroom exclude each other');
  const label = options.label ?? '';
  if (Buffer.byteLength(label) > 16) throw refused(`the label "${label}" is longer than 16 bytes`);
  if (label.includes('\0')) throw refused('the label holds a NUL byte');
  for (const name of ['uuid', 'hashSeed'] as const) {
    const value = options[name];
    if (value !== undefined && !uuidForm.test(value)) throw refused(`${name} "${value}" is not a UUID`);
  }
}

function checkAmount(name: string, value: number | undefined): void {
  if (value === undefined || (Number.isSafeInteger(value) && value >= 0)) return;
  throw refused(`${name} is ${value}, not a whole number`);
}

function refused(why: string): PortkitError {
  return new PortkitError('PK3502', `An ext4 image cannot be made like this: ${why}`);
}
