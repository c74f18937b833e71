import type { ByteString } from '../../base/byte-string.ts';
import { defaultTarLimits } from './entry.ts';
import type { TarEntry } from './entry.ts';
import { note } from '../archive-names.ts';
import type { Known } from '../archive-names.ts';
import { show } from '../archive-errors.ts';

/**
 * Takes a number of names off the front of every path. Entries with no more names than that are left out, and the
 * directories that go give the root nothing. Two paths that become one are refused, as are hard links to what was left out.
 */
export async function* stripEntries(entries: AsyncIterable<TarEntry>, count: number): AsyncGenerator<TarEntry> {
  const known: Known = { types: new Map(), limits: defaultTarLimits, otherLinks: 'none' };
  for await (const entry of entries) {
    const path = stripped(entry.path, count);
    if (path === undefined) continue;
    const where = show(entry.path);
    const kept =
      entry.type === 'hardlink' ? { ...entry, path, target: stripped(entry.target, count) ?? entry.target } : { ...entry, path };
    note(known, path, { body: kept, where });
    yield kept;
  }
}

function stripped(path: ByteString, count: number): ByteString | undefined {
  const names = path.split('/').slice(count);
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the rest of a byte string is a byte string
  return names.length === 0 || path === '' ? undefined : (names.join('/') as ByteString);
}
