import type { Digest } from '../base/digest.ts';
import { PortkitError } from '../base/errors.ts';
import type { Ref } from '../base/ref.ts';
import type { OpContext } from '../solver/op.ts';
import type { BlobStore, SmallBlobs } from '../store/blobs.ts';

/** What the ops on files see of the store. */
export interface FileWorld {
  readonly blobs: BlobStore & SmallBlobs;
}

/** The one input of an op, which has to be of this kind. */
export function onlyInput(inputs: readonly Ref[], kind: Ref['kind']): Digest {
  const [input] = inputs;
  if (input === undefined || inputs.length > 1) {
    throw new PortkitError('PK3306', `The step takes one input and was given ${inputs.length}`);
  }
  return ofKind(input, kind);
}

/** An input that has to be of this kind. */
export function ofKind(input: Ref, kind: Ref['kind']): Digest {
  if (input.kind === kind) return input.digest;
  const names = { blob: 'a file', tree: 'a tree' };
  const hint =
    kind === 'blob' ? 'A step of type archive makes a file of a tree' : 'A step of type extract or tree makes a tree of a file';
  throw new PortkitError('PK3306', `The step needs ${names[kind]} and was given ${names[input.kind]}`, { hint });
}

/** A blob of the store as a stream that tells the context how far it is. */
export async function openInput(digest: Digest, { blobs }: FileWorld, context: OpContext): Promise<AsyncIterable<Uint8Array>> {
  const info = await blobs.stat(digest, context.signal);
  const content = info && (await blobs.open(digest, context.signal));
  if (content === undefined) throw new PortkitError('PK2002', `The blob ${digest} is not in the store`);
  return told(content, (done) => context.transfer(done, info?.size));
}

async function* told(content: AsyncIterable<Uint8Array>, tell: (done: number) => void): AsyncGenerator<Uint8Array> {
  let done = 0;
  for await (const chunk of content) {
    yield chunk;
    done += chunk.length;
    tell(done);
  }
}
