import { createHash } from 'node:crypto';
import type { FileEntry } from '../file-tree.ts';
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
  const hash = createHash('sha256');
  const { profile = 'plain', journal = false, size = 0, label = '', identity } = options;
  hash.update(JSON.stringify(['portkit ext4 1', profile, journal, size, label, identity ?? '']));
  if (identity !== undefined) return hash.digest();
  let text = '';
  for (const entry of entries) {
    text += describe(entry);
    if (text.length < 65_536) continue;
    hash.update(text, 'latin1');
    text = '';
  }
  return hash.update(text, 'latin1').digest();
}

/** One entry, so that no two have the same text: NUL is in no path or target, and values have their length before them. */
function describe(entry: FileEntry): string {
  if (entry.type === 'hardlink') return `\0hardlink ${entry.path}\0${entry.target}\0`;
  const { type, path, mode, uid, gid, mtime, xattrs } = entry;
  const attributes = `\0${type} ${path}\0${mode} ${uid} ${gid} ${mtime.seconds} ${mtime.nanos} ${payloadOf(entry)}`;
  if (xattrs.length === 0) return attributes;
  return (
    attributes + xattrs.map(({ name, value }) => `\0${name}\0${value.length} ${Buffer.from(value).toString('latin1')}`).join('')
  );
}

function payloadOf(entry: Exclude<FileEntry, { type: 'hardlink' }>): string {
  if (entry.type === 'file') return `${entry.size}`;
  if (entry.type === 'symlink') return entry.target;
  return entry.type === 'char' || entry.type === 'block' ? `${entry.major}:${entry.minor}` : '';
}
