import { createHash } from 'node:crypto';
import type { FileEntry } from './file-tree.ts';

/** 32 bytes that stand for a text and for all that entries say, but for the names of contents, which may be places on one machine. */
export function digestOfEntries(entries: readonly FileEntry[], about: string): Buffer {
  const hash = createHash('sha256');
  hash.update(about);
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
