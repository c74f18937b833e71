import { fileTreeOf } from '../artifacts/file-tree.ts';
import { showBytes } from '../base/byte-string.ts';
import type { Digest } from '../base/digest.ts';
import { PortkitError } from '../base/errors.ts';
import { withoutXattrs, writeCpio } from '../formats/cpio/write.ts';
import type { FileTree } from '../formats/file-tree.ts';
import type { CpioSpec } from '../graph/ops.ts';
import type { Op, OpContext } from '../solver/op.ts';
import { listTree } from '../store/trees/list.ts';
import { inspectKernel } from '../kernels/inspect/inspect.ts';
import { initrdFit } from '../kernels/initrd.ts';
import { ofKind, openInput } from './input.ts';
import type { PackWorld } from './compress.ts';
import type { DecompressWorld } from './decompress.ts';
import { asOutcome } from './outcome.ts';
import { checkLevel } from './packer.ts';
import type { Packing } from './packer.ts';

/** What the op is lent. */
type CpioWorld = PackWorld & DecompressWorld;

/**
 * A tree as the one cpio of it, which an initramfs is; its output tells what the format could not keep. A second
 * input is the kernel that shall unpack it: PK3958 when it cannot, and a word when it does not say what it can.
 */
export function cpioOp(spec: CpioSpec, world: CpioWorld): Op {
  const { mtime } = spec;
  const { blobs, packer } = world;
  const compression = compressionOf(spec);
  return {
    code: 'cpio/1',
    pool: 'cpu',
    facts: async ({ signal }) => ({
      facts: {
        compress: compression?.format ?? 'none',
        level: spec.level === undefined ? '' : `${spec.level}`,
        library: compression === undefined ? '' : await packer.maker(compression.format, signal),
        mtime: mtime === undefined ? '' : `${mtime}`,
      },
    }),
    run: (inputs, context) =>
      asOutcome(async () => {
        const { signal } = context;
        check(spec, compression);
        const [from, kernel] = inputs;
        if (from === undefined || inputs.length > 2)
          throw new PortkitError('PK3306', `The step takes one input, or a kernel besides, and was given ${inputs.length}`);
        if (kernel !== undefined) await checkKernel(ofKind(kernel, 'blob'), { world, compression }, context);
        const tree = await fileTreeOf(listTree(ofKind(from, 'tree'), { blobs, signal }), blobs);
        for (const line of warnings(tree)) context.output('stderr', Buffer.from(`${line}\n`));
        const archive = writeCpio(tree, mtime === undefined ? {} : { mtime }, signal);
        const { digest, size } = await blobs.write(compression ? packer.pack(archive, compression, signal) : archive, signal);
        context.transfer(size, size);
        return { ok: true, outputs: [{ kind: 'blob', digest }] };
      }),
  };
}

function compressionOf({ compress: format = 'none', level }: CpioSpec): Packing | undefined {
  if (format === 'none') return undefined;
  return level === undefined ? { format } : { format, level };
}

function check({ level, mtime }: CpioSpec, compression: Packing | undefined): void {
  if (compression !== undefined) checkLevel(compression);
  else if (level !== undefined) throw new PortkitError('PK1004', 'A cpio that is not compressed has no level');
  if (mtime !== undefined && !(Number.isInteger(mtime) && mtime >= 0 && mtime < 2 ** 32))
    throw new PortkitError('PK1004', `A cpio cannot say the time ${mtime}`, { hint: 'Seconds from 0 to 4294967295' });
}

async function checkKernel(
  digest: Digest,
  { world, compression }: { readonly world: CpioWorld; readonly compression: Packing | undefined },
  context: OpContext,
): Promise<void> {
  const content = await openInput(digest, world, context);
  const kernel = await inspectKernel({ content, unxz: world.unxz }, context.signal);
  const fit = initrdFit(kernel, compression === undefined ? [] : [compression.format]);
  if (fit === 'unknown') {
    const line = 'The kernel does not say what it was built with (IKCONFIG): whether it can unpack this is not known\n';
    context.output('stderr', Buffer.from(line));
  } else if (fit !== 'fits')
    throw new PortkitError('PK3958', `The kernel cannot unpack this initrd: it was built without ${fit.lacks.join(' and ')}`, {
      hint: 'Choose another compress, or build the kernel with it',
    });
}

/** How many paths are named. */
const named = 20;

function warnings({ entries }: FileTree): readonly string[] {
  const paths = withoutXattrs(entries);
  const more = paths.length > named ? [`… and ${paths.length - named} more`] : [];
  return [
    ...paths.slice(0, named).map((path) => `/${showBytes(path)}: a cpio has no extended attributes, they are left out`),
    ...more,
  ];
}
