import { byteString } from '../../base/byte-string.ts';
import type { Digest } from '../../base/digest.ts';
import { PortkitError } from '../../base/errors.ts';
import type { Ref } from '../../base/ref.ts';
import { selectItem } from '../../store/trees/select.ts';
import type { ExportContext } from '../exporter.ts';

/** The content of a stored file. */
export interface ResultFile {
  readonly content: Digest;
  readonly size: number;
}

/** The one file that the result of a step is for an artifact: itself, or the file of that name at the top of a tree. */
export async function resultFile(
  { step, ref }: { readonly step: string; readonly ref: Ref },
  name: string,
  { blobs, signal }: ExportContext,
): Promise<ResultFile> {
  if (ref.kind === 'blob') {
    const facts = await blobs.stat(ref.digest, signal);
    if (facts === undefined) throw new PortkitError('PK2002', `The result ${ref.digest} is not in the store`);
    return { content: facts.digest, size: facts.size };
  }
  const item = await selectItem(ref.digest, byteString(name), { blobs, signal });
  if (item?.type === 'file') return item;
  const found = item === undefined ? 'has no' : `has a ${item.type} instead of the`;
  throw new PortkitError('PK3911', `The step "${step}" makes a tree that ${found} file ${JSON.stringify(name)} at its top`, {
    hint: `Let it make one file, or a tree with /${name}`,
  });
}
