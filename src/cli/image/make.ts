import { showBytes } from '../../base/byte-string.ts';
import { printable } from '../../base/printable.ts';
import { showSize } from '../../base/units.ts';
import { compress } from '../../formats/compression/compress.ts';
import { withoutXattrs, writeCpio } from '../../formats/cpio/write.ts';
import { planExt4 } from '../../formats/ext4/plan.ts';
import { writeExt4 } from '../../formats/ext4/write.ts';
import type { FileTree } from '../../formats/file-tree.ts';
import { writeTar } from '../../formats/tar/write.ts';
import { adjusted } from '../../images/adjust.ts';
import { tarEntriesOf } from '../../images/archive.ts';
import { imageWriterOn } from '../../ops/scratch-file.ts';
import type { Invocation } from '../command.ts';
import { textOption } from '../values.ts';
import { writeFileBy, writeWholeFile } from '../write-file.ts';
import { adjustmentsOf, compressionOf, ext4OptionsOf, outputOf } from './options.ts';
import { treeFrom } from './source.ts';

/** `image ext4 FROM -o OUT`. */
export async function makeExt4([from]: readonly [string], invocation: Invocation): Promise<number> {
  const { options, signal } = invocation;
  const output = outputOf(options, 'output');
  const wanted = ext4OptionsOf(options);
  return withTree(from, invocation, async (tree) => {
    const plan = planExt4(tree.entries, wanted);
    await writeFileBy(output, ({ fd }) => writeExt4(plan, { contents: tree.contents, image: imageWriterOn(fd) }, signal));
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
    const archive = writeCpio(tree, { reuse: true }, signal);
    return { output, size: await writeWholeFile(output, compression ? compress(archive, compression, signal) : archive) };
  });
}

/** `image tar FROM -o OUT`. */
export async function makeTar([from]: readonly [string], invocation: Invocation): Promise<number> {
  return tarInto(outputOf(invocation.options, 'output'), from, invocation);
}

/** `image extract FILE --tar OUT`. */
export async function extractTar([from]: readonly [string], invocation: Invocation): Promise<number> {
  return tarInto(outputOf(invocation.options, 'tar'), from, invocation);
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
  using tree = await treeFrom({ from, reference: textOption(options, 'reference') }, signal);
  const { output, size } = await make(adjusted(tree, adjustments));
  print(`${printable(output)}: ${showSize(size)}`);
  return 0;
}
