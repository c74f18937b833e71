import { PortkitError } from '../../base/errors.ts';
import type { Descriptor } from '../model/descriptor.ts';
import type { Source } from '../model/ports.ts';
import { at } from './blame.ts';
import type { GraphCopy } from './graph.ts';

/** More than this refers to nothing that was made for a good reason. */
const most = 1000;

/** Copies what refers to a manifest, and to that in turn, each once. */
export async function copyReferrers(
  graph: GraphCopy,
  { source, root }: { readonly source: Source; readonly root: Descriptor },
  signal: AbortSignal,
): Promise<void> {
  const { referring, shown } = source;
  if (referring === undefined) throw new PortkitError('PK4001', `${shown} cannot say what refers to ${root.digest}`);
  const seen = new Set([root.digest]);
  const waiting = [root];
  for (let subject = waiting.pop(); subject !== undefined; subject = waiting.pop()) {
    const { digest } = subject;
    const found: Descriptor[] = [];
    await at('source', shown, async () => {
      for await (const one of referring.referrers({ ...subject, digest }, signal)) {
        if (seen.has(one.digest)) continue;
        if (seen.size > most) throw new PortkitError('PK4006', `More than ${most} manifests refer to ${root.digest}`);
        seen.add(one.digest);
        found.push(one);
      }
    });
    for (const one of found) await graph.copy(one);
    waiting.push(...found);
  }
}
