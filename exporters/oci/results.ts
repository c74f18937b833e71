import type { ExportContext, Exported, Target } from '../../src/artifacts/exporter.ts';
import { PortkitError } from '../../src/base/errors.ts';
import { entryName } from '../../src/oci/layout/entries.ts';
import type { LayoutSource } from '../../src/oci/layout/files.ts';
import { refName } from '../../src/oci/layout/files.ts';
import { treeSource } from '../../src/oci/layout/tree.ts';
import type { Descriptor } from '../../src/oci/model/descriptor.ts';
import { isTag } from '../../src/oci/model/reference.ts';
import { onlyName } from '../../src/oci/place/only-name.ts';
import { listTree } from '../../src/store/trees/list.ts';

/** A result that is a layout: what of it is published, and under which tag. */
export interface LayoutResult {
  readonly target: Target;
  readonly source: LayoutSource;
  /** What the source calls it. */
  readonly name: string;
  readonly root: Descriptor;
  /** What it is called where it goes. */
  readonly tag: string;
  readonly files: number;
  readonly bytes: number;
}

/** Looks into results; PK3405 for what is no layout, and for two that want one tag. `tag` is for a single result. */
export async function layoutResults(
  targets: readonly Target[],
  { blobs, signal }: ExportContext,
  tag?: string,
): Promise<readonly LayoutResult[]> {
  if (tag !== undefined && targets.length > 1) {
    throw new PortkitError('PK3405', `${targets.length} results cannot all have the name ${tag}`, {
      hint: 'Choose one with target=NAME, or leave the name out: each has its own',
    });
  }
  const results: LayoutResult[] = [];
  for (const target of targets) {
    if (target.ref.kind === 'blob') throw noLayout(target.name, 'it is a file');
    const source = treeSource(target.ref.digest, blobs);
    const { name, root } = await mainOf(target.name, source, signal);
    const its = tag ?? entryName(root) ?? target.name;
    if (!isTag(its)) {
      throw new PortkitError('PK3405', `${JSON.stringify(its.slice(0, 150))} can be no tag`, {
        hint: 'Tags are letters, digits and _ . -, at most 128; say name=TAG for a single target',
      });
    }
    if (results.some((other) => other.tag === its)) {
      throw new PortkitError('PK3405', `Two results want the tag ${its}`, { hint: 'Choose one with target=NAME' });
    }
    results.push({ target, source, name, root, tag: its, ...(await sizeOf(target, { blobs, signal })) });
  }
  return results;
}

async function mainOf(target: string, source: LayoutSource, signal: AbortSignal) {
  try {
    const name = await onlyName(source, signal);
    const root = await source.resolve(name, signal);
    if (root !== undefined) return { name, root };
  } catch (error) {
    if (!(error instanceof PortkitError) || !['PK4001', 'PK4002'].includes(error.code)) throw error;
    throw noLayout(target, error.message, error);
  }
  throw noLayout(target, 'its index names what it does not have');
}

async function sizeOf({ ref }: Target, { blobs, signal }: ExportContext) {
  let files = 0;
  let bytes = 0;
  for await (const { item } of listTree(ref.digest, { blobs, signal })) {
    if (item.type !== 'file') continue;
    files += 1;
    bytes += item.size;
  }
  return { files, bytes };
}

/** A result as it was exported. */
export function exported({ target, files, bytes, root }: LayoutResult, path: string): Exported {
  return { target: target.name, ref: target.ref, path, files, bytes, digest: root.digest };
}

/** A manifest as `index.json` lists it under a tag. */
export function named({ annotations, ...descriptor }: Descriptor, tag: string): Descriptor {
  return { ...descriptor, annotations: { ...annotations, [refName]: tag } };
}

function noLayout(name: string, why: string, cause?: unknown): PortkitError {
  return new PortkitError('PK3405', `The target ${JSON.stringify(name)} is no OCI artifact: ${why}`, {
    hint: 'Package it with a step such as  oci = { layers = [{ from = "step:NAME" }] }, or choose others with target=NAME',
    cause,
  });
}
