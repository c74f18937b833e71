import { PortkitError } from '../../base/errors.ts';
import type { Descriptor } from '../model/descriptor.ts';
import { kindOf } from '../model/media-types.ts';
import type { Referrers, Source } from '../model/ports.ts';
import { readManifest } from '../model/read.ts';
import { successors } from '../model/successors.ts';
import { at } from './blame.ts';
import type { GraphCopy } from './graph.ts';

/** More than this refers to nothing that was made for a good reason. */
const most = 1000;

/**
 * Copies what refers to a manifest that was copied, to the manifests in it, and to what refers to them in turn: each once,
 * whatever the source answers.
 */
export async function copyReferrers(
  graph: GraphCopy,
  { source, root }: { readonly source: Source; readonly root: Descriptor },
  signal: AbortSignal,
): Promise<void> {
  const { referring, shown } = source;
  if (referring === undefined) throw new PortkitError('PK4001', `${shown} cannot say what refers to ${root.digest}`);
  const seen = new Set([root.digest]);
  const waiting = [root];
  let copied = 0;
  for (let subject = waiting.pop(); subject !== undefined; subject = waiting.pop()) {
    const asked = subject;
    const { inner, referrers } = await at('source', shown, () => around(asked, { source, referring }, signal));
    const fresh = ({ digest }: Descriptor): boolean => !seen.has(digest) && seen.add(digest).size > 0;
    waiting.push(...inner.filter(fresh));
    const found = referrers.filter(fresh);
    copied += found.length;
    if (copied > most) throw new PortkitError('PK4006', `More than ${most} manifests refer to ${root.digest} at ${shown}`);
    for (const one of found) await graph.copy(one);
    waiting.push(...found);
  }
}

/** The manifests that are in a manifest, and those that refer to it. */
async function around(
  subject: Descriptor,
  { source, referring }: { readonly source: Source; readonly referring: Referrers },
  signal: AbortSignal,
): Promise<{ readonly inner: readonly Descriptor[]; readonly referrers: readonly Descriptor[] }> {
  const inner = kindOf(subject.mediaType) === 'index' ? successors(await readManifest(source, subject, signal)) : [];
  const referrers: Descriptor[] = [];
  for await (const one of referring.referrers(subject, signal)) {
    referrers.push(one);
    if (referrers.length > most) break;
  }
  return { inner: inner.filter(({ mediaType }) => kindOf(mediaType) !== 'blob'), referrers };
}
