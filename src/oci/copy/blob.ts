import { PortkitError } from '../../base/errors.ts';
import type { Descriptor } from '../model/descriptor.ts';
import type { BlobSource, Source, Target } from '../model/ports.ts';
import { isSound } from '../model/read.ts';
import { blamed } from './blame.ts';
import type { CopyEvent } from './events.ts';
import { counted } from './observed.ts';

/** The two sides of a copy, and who is told. */
export interface Sides {
  readonly source: Source;
  readonly target: Target;
  /** A repository beside the target that may have the blobs already. */
  readonly mountFrom?: string;
  /** Being there is not enough: it must be what its descriptor says. */
  readonly verify?: boolean;
  readonly onEvent?: (event: CopyEvent) => void;
}

/** Brings one blob, or the bytes of a manifest, to the target; what is there is not moved. */
export async function copyBlob(
  descriptor: Descriptor,
  sides: Sides & { readonly bytes?: BlobSource; readonly anew?: boolean },
  signal: AbortSignal,
): Promise<void> {
  const { source, target, mountFrom, verify = false, bytes, anew = false } = sides;
  const tell = (state: CopyEvent['state'], done: number) => sides.onEvent?.({ type: 'blob', descriptor, state, bytes: done });
  let failure: { readonly error: unknown } | undefined;
  try {
    const exists = bytes === undefined && !anew && (await target.exists(descriptor, signal));
    const damaged = exists && verify && !(await isSound(target, descriptor, signal));
    if (exists && !damaged) return tell('existed', descriptor.size);
    if (
      bytes === undefined &&
      !damaged &&
      !anew &&
      mountFrom !== undefined &&
      (await target.mounting?.mount(descriptor, mountFrom, signal)) === true
    ) {
      return tell('mounted', descriptor.size);
    }
    tell('begun', 0);
    const progress = (done: number) => tell('progress', done);
    const content = bytes ?? fetched(descriptor, source, { failed: (found) => (failure = found), progress });
    const sent = counted(content, progress);
    const state = await target.push(descriptor, anew ? { ...sent, isNeeded: true } : sent, signal);
    if (damaged && state === 'existed') {
      throw new PortkitError('PK4003', `${descriptor.digest} is damaged there, and nothing else is taken in its place`);
    }
    tell(state, descriptor.size);
  } catch (error) {
    if (failure !== undefined) throw blamed(failure.error, { side: 'source', shown: source.shown });
    throw blamed(error, { side: 'target', shown: target.shown });
  }
}

interface Told {
  readonly failed: (failure?: { readonly error: unknown }) => void;
  readonly progress: (bytes: number) => void;
}

/** A blob of the source as something to push. What goes wrong is kept: whoever reads it may call it otherwise. */
function fetched(descriptor: Descriptor, source: Source, { failed, progress }: Told): BlobSource {
  const { filing } = source;
  return {
    // So it is with whatever readers give.
    isVerified: true,
    ...(filing !== undefined && {
      async asFile(beside, signal, use) {
        failed();
        let used: { readonly error: unknown } | undefined;
        try {
          return await filing.file(descriptor, { beside, signal, progress }, (path) =>
            use(path).catch((error: unknown) => {
              used = { error };
              throw error;
            }),
          );
        } catch (error) {
          if (used === undefined) failed({ error });
          throw error;
        }
      },
    }),
    async *open(signal, offset = 0) {
      failed();
      try {
        let skip = offset;
        for await (const chunk of await source.fetch(descriptor, signal)) {
          const taken = chunk.subarray(skip);
          skip -= chunk.length - taken.length;
          if (taken.length > 0) yield taken;
        }
      } catch (error) {
        failed({ error });
        throw error;
      }
    },
  };
}
