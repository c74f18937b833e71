import { decompress, defaultDecompressLimits } from '../../formats/compression/decompress.ts';
import type { CompressedFormat, Unxz } from '../../formats/compression/decompress.ts';
import { PortkitError } from '../../base/errors.ts';
import { readAr } from '../../formats/ar.ts';
import { defaultTarLimits } from '../../formats/tar/entry.ts';
import { readTar } from '../../formats/tar/read.ts';
import type { TreeEditor } from '../../store/trees/place.ts';
import { putTarEntry, storeTarEntry } from '../tar-entry.ts';
import type { FileTaker } from '../take-files.ts';

const formats: ReadonlyMap<string, CompressedFormat | 'none'> = new Map([
  ['data.tar', 'none'],
  ['data.tar.gz', 'gzip'],
  ['data.tar.xz', 'xz'],
  ['data.tar.zst', 'zstd'],
]);

/** What unpacking is lent. */
export interface UnpackWorld {
  readonly files: FileTaker;
  readonly unxz: Unxz;
  readonly signal: AbortSignal;
}

/** Lays the files of a Debian package (deb(5)) over the tree; its scripts are neither kept nor run. */
export async function unpackDeb(editor: TreeEditor, content: AsyncIterable<Uint8Array>, world: UnpackWorld): Promise<void> {
  const { files, unxz, signal } = world;
  const members: string[] = [];
  for await (const member of readAr(content, signal)) {
    members.push(member.name);
    if (members.length === 1) await checkVersion(member.name, member.content);
    const format = formats.get(member.name);
    if (format === undefined) continue;
    if (members.length !== 3 || members[1]?.startsWith('control.tar') !== true)
      throw malformed('its members are in another order');
    const limits = defaultDecompressLimits;
    const tar = format === 'none' ? member.content : decompress(member.content, { format, limits, unxz }, signal);
    for await (const entry of readTar(tar, defaultTarLimits, signal)) {
      await putTarEntry(editor, await storeTarEntry(entry, files));
    }
  }
  if (!members.some((name) => formats.has(name))) throw malformed('it has no data that can be read');
}

async function checkVersion(name: string, content: AsyncIterable<Uint8Array>): Promise<void> {
  const text = name === 'debian-binary' ? Buffer.concat(await Array.fromAsync(content)).toString('latin1') : '';
  if (!/^2\.\d+\n/.test(text)) throw malformed('it does not say the format 2');
}

function malformed(what: string): PortkitError {
  return new PortkitError('PK3301', `The Debian package is malformed: ${what}`);
}
