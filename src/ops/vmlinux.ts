import type { Digest } from '../base/digest.ts';
import { PortkitError } from '../base/errors.ts';
import type { Ref } from '../base/ref.ts';
import type { VmlinuxSpec } from '../graph/ops.ts';
import { extractKernel } from '../kernels/extract.ts';
import type { Op } from '../solver/op.ts';
import type { DecompressWorld } from './decompress.ts';
import { onlyInput, openInput } from './input.ts';
import { asOutcome } from './outcome.ts';
import { oneFile } from './tree/one-file.ts';

/** Takes the kernel proper out of a kernel file, which is a blob or one file of a tree: the ELF vmlinux, or the arm64 Image. */
export function vmlinuxOp({ path }: VmlinuxSpec, world: DecompressWorld): Op {
  async function kernelOf(inputs: readonly Ref[], signal: AbortSignal): Promise<Digest> {
    if (path !== undefined) return (await oneFile(onlyInput(inputs, 'tree'), path, { blobs: world.blobs, signal })).content;
    if (inputs[0]?.kind === 'tree')
      throw new PortkitError('PK3306', 'The step does not say which file of the tree is the kernel', {
        hint: 'Name it with path, such as path = "boot/vmlinuz-*"',
      });
    return onlyInput(inputs, 'blob');
  }
  return {
    code: 'vmlinux/1',
    pool: 'cpu',
    facts: () => ({ facts: { path: path ?? '' } }),
    async narrow(inputs, signal) {
      const found = await asOutcome(async () => ({
        ok: true,
        outputs: [{ kind: 'blob', digest: await kernelOf(inputs, signal) }],
      }));
      return found.ok ? found.outputs : inputs;
    },
    run: (inputs, context) =>
      asOutcome(async () => {
        const kernel = await openInput(await kernelOf(inputs, context.signal), world, context);
        const { digest } = await world.blobs.write(
          extractKernel({ content: kernel, unxz: world.unxz }, context.signal),
          context.signal,
        );
        return { ok: true, outputs: [{ kind: 'blob', digest }] };
      }),
  };
}
