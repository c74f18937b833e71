import { PortkitError } from '../../../base/errors.ts';

/** The part of a file system that something is said of. */
export type Place =
  | { readonly kind: 'superblock' | 'journal' }
  | { readonly kind: 'group'; readonly group: number }
  | { readonly kind: 'inode'; readonly inode: number };

/** Takes what is found wrong. A reader's throws, so nothing after the first is looked at; a checker's collects and goes on. */
export type Report = (place: Place, what: string) => void;

/** The one place of the superblock. */
export const superblockPlace: Place = { kind: 'superblock' };

/** A place as it stands in messages. */
export function showPlace(place: Place): string {
  if (place.kind === 'group') return `block group ${String(place.group)}`;
  if (place.kind === 'inode') return `inode ${String(place.inode)}`;
  return `the ${place.kind}`;
}

/** The report of readers: whatever is wrong ends the reading (PK3551). */
export function refuseDamage(place: Place, what: string): never {
  throw new PortkitError('PK3551', `The ext4 image is damaged at ${showPlace(place)}: ${what}`, {
    hint: 'It may be cut off, still mounted, or not an image of ext4 alone: compare its digest with what its author says',
  });
}

/** The error for an image that may be well and still is not read. */
export function unread(what: string): PortkitError {
  return new PortkitError('PK3552', `The ext4 image cannot be read: ${what}`);
}

/** The error for an image beyond a limit. */
export function tooMuch(what: string): PortkitError {
  return new PortkitError('PK3553', `The ext4 image holds more than is taken: ${what}`);
}
