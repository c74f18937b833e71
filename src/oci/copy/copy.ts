import { PortkitError } from '../../base/errors.ts';
import type { Descriptor, Platform } from '../model/descriptor.ts';
import { isOciDigest } from '../model/digest.ts';
import type { Source, Target } from '../model/ports.ts';
import { at } from './blame.ts';
import type { CopyEvent } from './events.ts';
import { createGraphCopy } from './graph.ts';
import { choosePlatform } from './platform.ts';
import { copyReferrers } from './referrers.ts';
import { createSlots } from './slots.ts';

/** What is copied. */
export interface CopyFrom {
  readonly source: Source;
  /** A tag or digest. */
  readonly name: string;
}

/** Where it is copied to. */
export interface CopyTo {
  readonly target: Target;
  /** The tag that it gets there; without one, or with its digest, it is only known by its digest. */
  readonly name?: string;
}

/** How it is copied. */
export interface CopyOptions {
  readonly signal: AbortSignal;
  /** Blobs and manifests that are on their way at once; 4 when it is not said. */
  readonly concurrency?: number;
  /** Of an index, only the manifest for this platform, as it is. */
  readonly platform?: Platform;
  /** Also what refers to what is copied, to the manifests in it, and to that in turn. */
  readonly referrers?: boolean;
  /** Read what the target has already, and bring anew what is damaged; otherwise being there is enough. */
  readonly verify?: boolean;
  /** A repository of the target's registry that may have the blobs. */
  readonly mountFrom?: string;
  readonly onEvent?: (event: CopyEvent) => void;
}

/**
 * Copies what a name stands for, with everything below it, and answers what that was. Every document is verified against
 * what the name stood for at the beginning. The target only has what is whole: children come before their parents, and
 * the name at the very end. An error says at which side it happened.
 */
export async function copy({ source, name }: CopyFrom, to: CopyTo, options: CopyOptions): Promise<Descriptor> {
  const { target } = to;
  const { signal } = options;
  const slots = createSlots(options.concurrency ?? 4);
  const root = await at('source', source.shown, () => findRoot(source, { name, platform: options.platform, signal }));
  if (to.name !== undefined && isOciDigest(to.name) && to.name !== root.digest) {
    throw new PortkitError('PK4003', `${name} of ${source.shown} is ${root.digest}, and not ${to.name} as it is to be named`);
  }
  const graph = createGraphCopy({ ...options, source, target, slots }, signal);
  await graph.copy(root);
  if (options.referrers === true) await copyReferrers(graph, { source, root }, signal);
  const { name: tag } = to;
  if (tag !== undefined && !isOciDigest(tag)) await at('target', target.shown, () => target.tag(root, tag, signal));
  return root;
}

async function findRoot(
  source: Source,
  { name, platform, signal }: { name: string; platform: Platform | undefined; signal: AbortSignal },
): Promise<Descriptor> {
  const found = await source.resolve(name, signal);
  if (found === undefined) {
    throw new PortkitError('PK4001', `Nothing has the name ${JSON.stringify(name.slice(0, 200))}`, {
      ...(name === 'latest' && { hint: 'That is what no tag means: name another one with :TAG' }),
    });
  }
  return platform === undefined ? found : choosePlatform(source, { start: found, platform }, signal);
}
