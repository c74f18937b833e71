import { tmpdir } from 'node:os';
import { showBytes } from '../../base/byte-string.ts';
import { PortkitError } from '../../base/errors.ts';
import { printable } from '../../base/printable.ts';
import { showSize } from '../../base/units.ts';
import { withoutXattrs, writeCpio } from '../../formats/cpio/write.ts';
import { findData } from '../../formats/ext4/holes.ts';
import { planExt4 } from '../../formats/ext4/plan.ts';
import { writeExt4 } from '../../formats/ext4/write.ts';
import type { FileTree } from '../../formats/file-tree.ts';
import { writeTar } from '../../formats/tar/write.ts';
import { adjusted } from '../../formats/adjust.ts';
import { tarEntriesOf } from '../../formats/tar/tree-entries.ts';
import { partitionOf } from '../../images/partition.ts';
import { openImageFile } from '../../images/reader.ts';
import type { MadeImage, MkfsWorld } from '../../ops/mkfs/program.ts';
import { imageWriterOn, piecesOf } from '../../ops/scratch-file.ts';
import { lazyPacker } from '../../wiring.ts';
import type { Invocation } from '../command.ts';
import { flag, textOption } from '../values.ts';
import { writeFileBy, writeWholeFile } from '../write-file.ts';
import { adjustmentsOf, compressionOf, ext4OptionsOf, oneOf, outputOf, sourceOf, uuidOf, vfatOptionsOf } from './options.ts';
import { treeFrom } from './source.ts';

/** `image ext4 FROM -o OUT`. */
export async function makeExt4([from]: readonly [string], invocation: Invocation): Promise<number> {
  const { options, signal } = invocation;
  const output = outputOf(options, 'output');
  const wanted = ext4OptionsOf(options);
  return withTree(from, invocation, async (tree) => {
    const dataRanges = flag(options, 'sparse') ? await findData(tree.entries, tree.contents, signal) : undefined;
    const plan = planExt4(tree.entries, { ...wanted, ...(dataRanges && { dataRanges }) });
    await writeFileBy(output, ({ fd }) => writeExt4(plan, { contents: tree.contents, image: imageWriterOn({ fd }) }, signal));
    return { output, size: plan.size };
  });
}

/** `image cpio FROM -o OUT`. */
export async function makeCpio([from]: readonly [string], invocation: Invocation): Promise<number> {
  const { options, signal, note } = invocation;
  const output = outputOf(options, 'output');
  const compression = compressionOf(options);
  return withTree(from, invocation, async (tree) => {
    const [first, ...more] = withoutXattrs(tree.entries);
    const others = more.length === 0 ? '' : ` and ${more.length} more`;
    if (first !== undefined) note(`A cpio has no extended attributes: those of /${showBytes(first)}${others} are left out`);
    const packer = lazyPacker(process.env['PATH'] ?? '');
    // What a program reads is still on its way when the next piece is made.
    const reuse = compression === undefined || compression.format === 'gzip' || compression.format === 'zstd';
    const archive = writeCpio(tree, { reuse }, signal);
    return { output, size: await writeWholeFile(output, compression ? packer.pack(archive, compression, signal) : archive) };
  });
}

/** `image squashfs FROM -o OUT`. */
export async function makeSquashfsImage([from]: readonly [string], invocation: Invocation): Promise<number> {
  const compress = oneOf(invocation.options, 'compress', ['gzip', 'zstd', 'xz', 'lz4']);
  return packed(from, invocation, async (tree, world) => {
    const { makeSquashfs } = await import('../../ops/mkfs/squashfs.ts');
    return makeSquashfs(tree, { ...(compress && { compress }) }, { world, signal: invocation.signal });
  });
}

/** `image erofs FROM -o OUT`. */
export async function makeErofsImage([from]: readonly [string], invocation: Invocation): Promise<number> {
  const compress = oneOf(invocation.options, 'compress', ['none', 'lz4', 'lz4hc']);
  const uuid = uuidOf(invocation.options);
  return packed(from, invocation, async (tree, world) => {
    const { makeErofs } = await import('../../ops/mkfs/erofs.ts');
    return makeErofs(tree, { ...(compress && { compress }), ...(uuid && { uuid }) }, { world, signal: invocation.signal });
  });
}

/** `image vfat FROM -o OUT`. */
export async function makeVfatImage([from]: readonly [string], invocation: Invocation): Promise<number> {
  const asked = vfatOptionsOf(invocation.options);
  return packed(from, invocation, async (tree, world) => {
    const { makeVfat } = await import('../../ops/mkfs/vfat.ts');
    return makeVfat(tree, asked, { world, signal: invocation.signal });
  });
}

/** An image that a program makes: beside the others that are temporary until it is whole. */
function packed(
  from: string,
  invocation: Invocation,
  pack: (tree: FileTree, world: MkfsWorld) => Promise<MadeImage>,
): Promise<number> {
  const output = outputOf(invocation.options, 'output');
  return withTree(from, invocation, async (tree) => {
    const { runProgram } = await import('../../ops/run-program.ts');
    using image = await pack(tree, { run: runProgram, path: process.env['PATH'] ?? '', scratch: tmpdir() });
    return { output, size: await writeWholeFile(output, piecesOf(image.fd)) };
  });
}

/** `image tar FROM -o OUT`. */
export async function makeTar([from]: readonly [string], invocation: Invocation): Promise<number> {
  return tarInto(outputOf(invocation.options, 'output'), from, invocation);
}

/** `image extract FILE --tar OUT`, or `image extract DISK --partition N -o OUT` for the bytes of a partition. */
export async function extractTar([from]: readonly [string], invocation: Invocation): Promise<number> {
  const { options, print } = invocation;
  const { partition } = sourceOf(from, options);
  if (textOption(options, 'output') === undefined || partition === undefined)
    return tarInto(outputOf(options, 'tar'), from, invocation);
  const output = outputOf(options, 'output');
  const foreign = ['tar', 'owner', 'time', 'reference'].find((name) => textOption(options, name) !== undefined);
  if (foreign !== undefined) throw new PortkitError('PK1001', `The bytes of a partition (-o) do not go with --${foreign}`);
  using disk = openImageFile(from);
  const size = await writeWholeFile(output, piecesOf(disk.fd, partitionOf(disk.fd, partition)));
  print(`${printable(output)}: ${showSize(size)}`);
  return 0;
}

function tarInto(output: string, from: string, invocation: Invocation): Promise<number> {
  const { signal } = invocation;
  return withTree(from, invocation, async (tree) => {
    return { output, size: await writeWholeFile(output, writeTar(tarEntriesOf(tree, signal), signal, { reuse: true })) };
  });
}

async function withTree(
  from: string,
  { options, signal, print }: Invocation,
  make: (tree: FileTree) => Promise<{ readonly output: string; readonly size: number }>,
): Promise<number> {
  const adjustments = adjustmentsOf(options);
  using tree = await treeFrom(sourceOf(from, options), signal);
  const { output, size } = await make(adjusted(tree, adjustments));
  print(`${printable(output)}: ${showSize(size)}`);
  return 0;
}
