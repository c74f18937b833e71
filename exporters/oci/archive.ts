import type { Exporter } from '../../src/artifacts/exporter.ts';
import { writeArchive } from '../../src/oci/layout/write-archive.ts';
import type { Descriptor } from '../../src/oci/model/descriptor.ts';
import type { BlobReader } from '../../src/oci/model/ports.ts';
import { checkNames, chooseTargets } from '../files/choose.ts';
import { checkFile } from '../files/destination.ts';
import { destinationFailure } from '../files/failure.ts';
import { prepareWholeFile } from '../files/whole-file.ts';
import type { LayoutOutput } from './layout.ts';
import { exported, layoutResults, named } from './results.ts';
import type { LayoutResult } from './results.ts';

/** Writes results as one tar of a layout. */
export function archiveExporter(output: LayoutOutput): Exporter {
  const { dest } = output;
  return {
    check(targets) {
      checkNames(output.target, targets);
      checkFile(dest);
    },
    async prepare(targets, context) {
      try {
        const results = await layoutResults(chooseTargets(output.target, targets), context, output.name);
        const roots = await rootsOf(results, context.signal);
        const source = together(results);
        return await prepareWholeFile(
          {
            dest,
            bytes: ({ signal }) => writeArchive({ source, roots }, signal),
            receipt: (files) => {
              const paths = results.map((one) => exported(one, `oci-archive:${dest}:${one.tag}`));
              return { type: 'oci-archive', destination: dest, exported: paths, ...files, warnings: [] };
            },
          },
          context,
        );
      } catch (error) {
        throw context.signal.aborted ? context.signal.reason : destinationFailure(error, dest);
      }
    },
  };
}

/** Each result under its tag, and what refers to it under none. */
async function rootsOf(results: readonly LayoutResult[], signal: AbortSignal): Promise<readonly Descriptor[]> {
  const roots = new Map<string, Descriptor>();
  for (const { source, root } of results) {
    for (const entry of await source.roots(signal)) if (entry.digest !== root.digest) roots.set(entry.digest, entry);
  }
  return [...roots.values(), ...results.map(({ root, tag }) => named(root, tag))];
}

/** Results as one reader: what one of them has is the same in all. */
function together(results: readonly LayoutResult[]): BlobReader {
  async function holder(descriptor: Descriptor, signal: AbortSignal): Promise<BlobReader | undefined> {
    for (const { source } of results) if (await source.exists(descriptor, signal)) return source;
    return results[0]?.source;
  }
  return {
    async fetch(descriptor, signal) {
      const reader = await holder(descriptor, signal);
      if (reader === undefined) throw new Error('There are no results to read from');
      return reader.fetch(descriptor, signal);
    },
    exists: async (descriptor, signal) => (await holder(descriptor, signal))?.exists(descriptor, signal) ?? false,
  };
}
