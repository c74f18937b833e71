import type { ExportContext, Prepared, Target } from '../../src/artifacts/exporter.ts';
import { PortkitError } from '../../src/base/errors.ts';
import { layout } from '../files/layout.ts';
import { tarOf } from './contents.ts';
import type { TarOutput, WriteOut } from './contents.ts';

/** Looks at everything that the tar is made of; publishing streams it. */
export async function prepareStream(
  output: TarOutput,
  targets: readonly Target[],
  { context, writeOut }: { readonly context: ExportContext; readonly writeOut: WriteOut },
): Promise<Prepared> {
  for await (const { item } of layout(targets, output.src, context)) {
    if (item.type !== 'file') continue;
    const info = await context.blobs.stat(item.content, context.signal);
    if (info?.size !== item.size) throw new PortkitError('PK2002', `The blob ${item.content} is not in the store`);
  }
  const tar = tarOf(output, targets);
  return {
    async publish(signal) {
      for await (const bytes of tar.bytes({ blobs: context.blobs, signal })) await writeOut(bytes);
      return tar.receipt({ written: 1, unchanged: 0 });
    },
    [Symbol.dispose]: () => undefined,
  };
}
