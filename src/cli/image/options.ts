import { PortkitError } from '../../base/errors.ts';
import { ext4Profiles } from '../../formats/ext4/options.ts';
import type { Ext4Options } from '../../formats/ext4/options.ts';
import type { Adjustments } from '../../formats/adjust.ts';
import type { Source } from '../../images/load.ts';
import { parsePlace } from '../../oci/place/place.ts';
import { uuidForm } from '../../formats/uuid.ts';
import type { Packing } from '../../ops/packer.ts';
import type { VfatOptions } from '../../ops/mkfs/vfat.ts';
import type { Invocation } from '../command.ts';
import { parseSize } from '../sizes.ts';
import { flag, textOption } from '../values.ts';

type Options = Invocation['options'];

/** Where to write to (`-o`); it has to be given. */
export function outputOf(options: Options, name: string): string {
  const output = textOption(options, name);
  if (output !== undefined && output !== '-') return output;
  throw new PortkitError('PK1001', `"portkit image" needs the file to write to`, { hint: `Name a file with --${name}` });
}

/** What FROM is, with `--reference`, `--partition` and `--xattrs`; a layout may also be written as everywhere else. */
export function sourceOf(text: string, options: Options): Source & { readonly xattrs: boolean } {
  const partition = textOption(options, 'partition');
  if (partition !== undefined && !/^[1-9][0-9]{0,3}$/.test(partition))
    throw notUnderstood('partition', partition, 'a number from 1');
  const place = text.startsWith('oci:') ? parsePlace(text) : undefined;
  const { path: from, name } = place?.kind === 'layout' ? place : { path: text };
  return {
    from,
    reference: textOption(options, 'reference') ?? name,
    xattrs: flag(options, 'xattrs'),
    partition: partition === undefined ? undefined : Number(partition),
  };
}

/** `--owner` and `--time`. */
export function adjustmentsOf(options: Options): Adjustments {
  const owner = textOption(options, 'owner');
  const time = textOption(options, 'time');
  return { ...(owner !== undefined && { owner: parseOwner(owner) }), ...(time !== undefined && { time: parseTime(time) }) };
}

function parseOwner(text: string): { readonly uid: number; readonly gid: number } {
  const [, uid, gid] = /^([0-9]{1,10}):([0-9]{1,10})$/.exec(text) ?? [];
  if (Number(uid) < 2 ** 32 && Number(gid) < 2 ** 32) return { uid: Number(uid), gid: Number(gid) };
  throw notUnderstood('owner', text, 'UID:GID, such as 0:0');
}

function parseTime(text: string): number {
  if (/^-?[0-9]{1,12}$/.test(text)) return Number(text);
  throw notUnderstood('time', text, 'seconds since 1970, such as 0');
}

/** What is asked of an ext4 image. */
export function ext4OptionsOf(options: Options): Ext4Options {
  const profile = textOption(options, 'profile');
  const [size, headroom] = [textOption(options, 'size'), textOption(options, 'headroom')];
  const [label, uuid] = [textOption(options, 'label'), textOption(options, 'uuid')];
  return {
    ...(profile !== undefined && profileNamed(profile)),
    ...(size !== undefined && { size: parseSize(size, 'size') }),
    ...(headroom !== undefined && { headroom: parseHeadroom(headroom) }),
    ...(label !== undefined && { label }),
    ...(uuid !== undefined && { uuid }),
  };
}

function profileNamed(name: string): Ext4Options {
  const profile = Object.entries(ext4Profiles).find(([one]) => one === name)?.[1];
  if (profile === undefined) throw notUnderstood('profile', name, Object.keys(ext4Profiles).join(', '));
  return profile;
}

function parseHeadroom(text: string): NonNullable<Ext4Options['headroom']> {
  const [, percent] = /^([0-9]{1,4})%$/.exec(text) ?? [];
  return percent === undefined ? { bytes: parseSize(text, 'headroom') } : { percent: Number(percent) };
}

/** What is asked of a vfat image; its time is that of `--time`. */
export function vfatOptionsOf(options: Options): VfatOptions {
  const [size, label, serial] = [textOption(options, 'size'), textOption(options, 'label'), textOption(options, 'serial')];
  const { time } = adjustmentsOf(options);
  return {
    ...(size !== undefined && { size: parseSize(size, 'size') }),
    ...(label !== undefined && { label }),
    ...(serial !== undefined && { serial }),
    ...(time !== undefined && { mtime: time }),
  };
}

/** `--uuid`. */
export function uuidOf(options: Options): string | undefined {
  const uuid = textOption(options, 'uuid');
  if (uuid === undefined || uuidForm.test(uuid)) return uuid;
  throw notUnderstood('uuid', uuid, 'a UUID such as 01234567-89ab-cdef-0123-456789abcdef');
}

/** An option that takes one of these words; undefined when it is not given. */
export function oneOf<Word extends string>(options: Options, name: string, words: readonly Word[]): Word | undefined {
  const given = textOption(options, name);
  const word = words.find((one) => one === given);
  if (given === undefined || word !== undefined) return word;
  throw notUnderstood(name, given, words.join(', '));
}

/** `--compress` of a cpio; undefined for none. */
export function compressionOf(options: Options): Packing | undefined {
  const format = oneOf(options, 'compress', ['none', 'gzip', 'zstd', 'xz', 'lz4']) ?? 'none';
  return format === 'none' ? undefined : { format };
}

function notUnderstood(option: string, text: string, takes: string): PortkitError {
  return new PortkitError('PK3954', `--${option} ${JSON.stringify(text)} is not understood`, {
    hint: `--${option} takes ${takes}`,
  });
}
