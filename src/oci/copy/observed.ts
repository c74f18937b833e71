import type { Descriptor } from '../model/descriptor.ts';
import type { BlobSource, Target } from '../model/ports.ts';
import type { CopyEvent } from './events.ts';

type Tell = (event: CopyEvent) => void;

/** Content that is taken without a copy, with the events that a copy of it would have. */
export async function* observed(
  content: AsyncIterable<Uint8Array>,
  descriptor: Descriptor,
  tell: Tell,
): AsyncGenerator<Uint8Array> {
  let bytes = 0;
  tell({ type: 'blob', descriptor, state: 'begun', bytes });
  for await (const chunk of content) {
    yield chunk;
    bytes += chunk.length;
    tell({ type: 'blob', descriptor, state: 'progress', bytes });
  }
  tell({ type: 'blob', descriptor, state: 'stored', bytes });
}

/** A target that tells of what is pushed to it. */
export function observedTarget(target: Target, tell: Tell): Target {
  return {
    ...target,
    async push(descriptor, source, signal) {
      const progress = (bytes: number): void => tell({ type: 'blob', descriptor, state: 'progress', bytes });
      tell({ type: 'blob', descriptor, state: 'begun', bytes: 0 });
      const state = await target.push(descriptor, counted(source, progress), signal);
      tell({ type: 'blob', descriptor, state, bytes: descriptor.size });
      return state;
    },
  };
}

/** A source that says how far its reader is. */
export function counted(content: BlobSource, progress: (done: number) => void): BlobSource {
  return {
    ...content,
    async *open(signal, offset = 0) {
      let done = offset;
      for await (const chunk of content.open(signal, offset)) {
        yield chunk;
        done += chunk.length;
        progress(done);
      }
    },
  };
}
