import { fromBytes } from '../../base/byte-string.ts';
import type { ByteString } from '../../base/byte-string.ts';
import type { ByteReader } from '../byte-reader.ts';
import { blockSize } from './entry.ts';
import type { Header } from './header.ts';
import { decodePax, decodeRecords } from './pax.ts';
import type { Extension } from './pax.ts';
import { malformed, refused, tooMuch } from '../archive-errors.ts';

/** The most that one extended header may have: an extended attribute has up to 64 KiB. */
const longest = 2 ** 20;

/** The headers that stood before an entry and say more about it: their types, and all that they said. */
export interface Extensions {
  readonly types: string;
  readonly said: Extension;
}

/** An entry that nothing stood before. */
export const noExtensions: Extensions = { types: '', said: {} };

/** Whether a header only says something about the entry that follows (pax `x` and `g`, GNU `L` and `K`). */
export function isExtension({ typeflag }: Header): boolean {
  return 'xgLK'.includes(typeflag);
}

/**
 * Reads what stands behind the header of an extension. A second of the same kind, or both the pax and the GNU form, are
 * refused: which one counts would be for each program to choose.
 */
export async function readExtension(
  reader: ByteReader,
  { header, earlier }: { readonly header: Header; readonly earlier: Extensions },
  where: string,
): Promise<Extensions> {
  const { typeflag, size } = header;
  if (size > longest) throw tooMuch(where, `an extended header has more than ${longest} bytes`);
  const types = earlier.types + typeflag;
  if (earlier.types.includes(typeflag) || (types.includes('x') && /[LK]/.test(types))) {
    throw malformed(where, 'an entry has several extended headers that contradict each other');
  }
  const padded = Math.ceil(size / blockSize) * blockSize;
  const block = await reader.take(padded);
  if (block.length < padded) throw malformed(where, 'it ends in the middle of an extended header');
  const bytes = block.subarray(0, size);
  if (typeflag === 'x') return { types, said: decodePax(bytes, where) };
  if (typeflag === 'g') return { types, said: { ...earlier.said, ...checkGlobal(bytes, where) } };
  const name = gnuName(bytes, where);
  return { types, said: { ...earlier.said, ...(typeflag === 'L' ? { path: name } : { link: name }) } };
}

/** A header for all entries, like git's with the commit: remarks are passed over, anything else is refused. */
function checkGlobal(bytes: Buffer, where: string): Extension {
  for (const key of decodeRecords(bytes, where).keys()) {
    if (key !== 'comment') throw refused(where, `a header for all entries says ${JSON.stringify(key.slice(0, 100))}`);
  }
  return {};
}

function gnuName(bytes: Buffer, where: string): ByteString {
  const name = fromBytes(bytes.at(-1) === 0 ? bytes.subarray(0, -1) : bytes);
  if (name === '' || name.includes('\0')) throw malformed(where, 'a long name is empty or holds a NUL byte');
  return name;
}
