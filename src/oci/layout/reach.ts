import { PortkitError } from '../../base/errors.ts';
import type { Descriptor } from '../model/descriptor.ts';
import { isOciDigest } from '../model/digest.ts';
import { documentLimit, parseManifest } from '../model/manifest.ts';
import type { Manifest } from '../model/manifest.ts';
import { kindOf } from '../model/media-types.ts';
import { readDocument, readManifest } from '../model/read.ts';
import type { LayoutSource } from './files.ts';

/**
 * Something that a layout is said to have: an entry of `index.json`, a manifest of an index, the config or a layer of a
 * manifest, or what is only mentioned, such as a subject, and may be elsewhere.
 */
export interface Step {
  readonly descriptor: Descriptor;
  readonly role: 'entry' | 'manifest' | 'content' | 'mention';
}

/** All that steps lead to, themselves with it, each thing once in each of its roles; `next` says what one leads to. */
export async function* reached(
  from: readonly Step[],
  next: (step: Step) => Promise<readonly Step[]>,
  signal: AbortSignal,
): AsyncGenerator<Step> {
  const seen = new Set<string>();
  const waiting = [...from];
  for (let step = waiting.pop(); step !== undefined; step = waiting.pop()) {
    signal.throwIfAborted();
    const { mediaType, digest, size } = step.descriptor;
    const key = [step.role, kindOf(mediaType), digest, size].join(' ');
    if (seen.size === seen.add(key).size) continue;
    yield step;
    waiting.push(...(await next(step)));
  }
}

/**
 * What a step leads to. Where a manifest is expected and its type is not known, it may be a document of a kind that others
 * know: then that is every digest in its text. Who collects must rather take too much for named than too little.
 */
export async function leadsTo(source: LayoutSource, { descriptor, role }: Step, signal: AbortSignal): Promise<readonly Step[]> {
  if (role === 'mention') return followMention(source, descriptor, signal);
  if (kindOf(descriptor.mediaType) !== 'blob') return stepsOf(await readManifest(source, descriptor, signal));
  if (role === 'content' || descriptor.size > documentLimit) return [];
  const text = Buffer.from(await readDocument(source, descriptor, signal)).toString('latin1');
  return [...text.matchAll(/sha(?:256:[0-9a-f]{64}|512:[0-9a-f]{128})/g)].flatMap(([digest]) =>
    isOciDigest(digest) ? mention({ mediaType: 'application/octet-stream', digest, size: 0 }) : [],
  );
}

/** Of what is mentioned only the digest counts; that it is no manifest, or not what it is called, is nobody's fault here. */
async function followMention(source: LayoutSource, { digest }: Descriptor, signal: AbortSignal): Promise<readonly Step[]> {
  try {
    const size = await source.sizing?.sizeOf(digest, signal);
    if (size === undefined || size > documentLimit) return [];
    const bytes = await readDocument(source, { mediaType: 'application/octet-stream', digest, size }, signal);
    return stepsOf(parseManifest(bytes, { shown: digest }));
  } catch (error) {
    if (error instanceof PortkitError && /^PK400[1-6]$/.test(error.code)) return [];
    throw error;
  }
}

function stepsOf(manifest: Manifest): readonly Step[] {
  const named =
    manifest.kind === 'index'
      ? manifest.manifests.map((descriptor) => ({ descriptor, role: 'manifest' as const }))
      : [manifest.config, ...manifest.layers].map((descriptor) => ({ descriptor, role: 'content' as const }));
  return manifest.subject === undefined ? named : [...named, mention(manifest.subject)];
}

function mention(descriptor: Descriptor): Step {
  return { descriptor, role: 'mention' };
}
