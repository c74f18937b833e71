import type { FileEntry } from '../file-tree.ts';
import { digestOfEntries } from '../tree-identity.ts';
import { asUuid, parseUuid } from '../uuid.ts';
import type { Ext4Options } from './options.ts';

/** The two names of a file system, 16 bytes each. */
export interface Identity {
  readonly uuid: Buffer;
  readonly hashSeed: Buffer;
}

/**
 * The UUID and the hash seed: those given, else derived from the options and what names the tree, or all that its entries
 * say but for the names of contents, which may be places on one machine.
 */
export function identityOf(entries: readonly FileEntry[], options: Ext4Options): Identity {
  const { uuid, hashSeed } = options;
  if (uuid !== undefined && hashSeed !== undefined) return { uuid: parseUuid(uuid), hashSeed: parseUuid(hashSeed) };
  const derived = digestOf(entries, options);
  return {
    uuid: uuid === undefined ? asUuid(derived.subarray(0, 16)) : parseUuid(uuid),
    hashSeed: hashSeed === undefined ? asUuid(derived.subarray(16)) : parseUuid(hashSeed),
  };
}

function digestOf(entries: readonly FileEntry[], options: Ext4Options): Buffer {
  const { profile = 'plain', journal = false, size = 0, label = '', identity } = options;
  const about = JSON.stringify(['portkit ext4 1', profile, journal, size, label, identity ?? '']);
  return digestOfEntries(identity === undefined ? entries : [], about);
}
