import { PortkitError } from '../base/errors.ts';
import { defaultTarLimits } from '../formats/tar/entry.ts';
import type { TarEntry } from '../formats/tar/entry.ts';
import { contentOf } from './content.ts';
import type { FileContent } from './content.ts';
import type { ReadableBlobs } from './exporter.ts';
import { attributesOf, plainEntry } from './listed.ts';
import type { PathItem } from './listed.ts';

/** What is listed as entries of an archive; hard links lead to the first name of their file. */
export async function* archived(
  listed: AsyncIterable<PathItem>,
  blobs: ReadableBlobs,
  signal: AbortSignal,
): AsyncGenerator<TarEntry> {
  let count = 0;
  for await (const one of listed) {
    count += 1;
    if (count > defaultTarLimits.entries) {
      throw new PortkitError('PK3303', `The tree has more than ${defaultTarLimits.entries} names`);
    }
    yield tarEntry(one, (file) => contentOf(file, blobs, signal));
  }
}

function tarEntry({ path, item, linkedTo }: PathItem, content: (file: FileContent) => AsyncIterable<Uint8Array>): TarEntry {
  if (linkedTo !== undefined) return { path, ...attributesOf(item), type: 'hardlink', target: linkedTo };
  if (item.type !== 'file') return plainEntry(path, item);
  return { path, ...attributesOf(item), type: item.type, size: item.size, content: content(item) };
}
