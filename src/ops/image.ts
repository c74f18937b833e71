import { parseDigest } from '../base/digest.ts';
import { PortkitError } from '../base/errors.ts';
import type { ImageSpec } from '../graph/ops.ts';
import { parsePlatform, servesPlatform, showPlatform } from '../oci/model/platform.ts';
import type { Op, OpContext, Outcome } from '../solver/op.ts';
import { newTree, writeTree } from '../store/trees/editor.ts';
import { malformedImage, parseConfig } from './image/documents.ts';
import { applyLayer, readLayer } from './image/layer.ts';
import { findManifest, layoutBlobs, pickManifest, readDocument, readLayoutIndex } from './image/layout.ts';
import type { ImageBlobs } from './image/layout.ts';
import type { FileWorld } from './input.ts';
import { resolveInside } from './inside.ts';
import type { Bounds } from './inside.ts';
import { asOutcome } from './outcome.ts';
import { implied } from './tar-entry.ts';

/** What image steps are lent by their builder. */
export interface ImageWorld extends FileWorld, Bounds {
  /** What is taken of an image for several, when the step does not say: `os/architecture`. */
  readonly platform: string;
}

/**
 * The root file system of an image. Every blob is checked by its digest and size, every layer also by what it unpacks to.
 * Pinned, the digest is the key and nothing is looked at; otherwise the key is what the layout's index names today.
 */
export function imageOp(spec: ImageSpec, world: ImageWorld): Op {
  const platform = spec.platform ?? world.platform;
  return {
    code: 'image/1',
    pool: 'io',
    facts() {
      const { digest, layout, reference } = spec;
      if (digest !== undefined) return { facts: { digest: parseDigest(digest), platform } };
      if (layout === undefined) return { facts: { reference, platform } };
      return startOf(spec, { ...world, platform }).then((start) => ({ facts: { digest: start, platform } }));
    },
    run: (_, context) => asOutcome(() => take(spec, { ...world, platform }, context)),
  };
}

/** The digest that the image begins at. */
async function startOf(
  { digest, layout = '', reference }: ImageSpec,
  world: Bounds & Pick<ImageWorld, 'platform'>,
): Promise<string> {
  if (digest !== undefined) return parseDigest(digest);
  const directory = await resolveInside(layout, world);
  return pickManifest(await readLayoutIndex(directory), { reference, platform: parsePlatform(world.platform) }).digest;
}

async function take(spec: ImageSpec, world: ImageWorld, context: OpContext): Promise<Outcome> {
  if (spec.layout === undefined) {
    throw new PortkitError('PK3210', `The image ${JSON.stringify(spec.reference.slice(0, 200))} is in a registry`, {
      hint: 'Registries arrive with a later version; a layout on disk works now: layout = "directory"',
    });
  }
  const blobs = layoutBlobs(await resolveInside(spec.layout, world));
  const start = { digest: parseDigest(await startOf(spec, world)) };
  const platform = parsePlatform(world.platform);
  const { digest, manifest } = await findManifest(blobs, { start, platform });
  const config = parseConfig(await readDocument(blobs, manifest.config), manifest.config.digest);
  if (!servesPlatform(config.platform, platform)) {
    throw new PortkitError('PK3203', `The image is for ${showPlatform(config.platform)} and not for ${world.platform}`);
  }
  const { layers } = manifest;
  if (layers.length !== config.diffIds.length) throw malformedImage('its config names another number of layers');
  const editor = newTree(implied, { blobs: world.blobs, signal: context.signal });
  const progress = told(
    layers.reduce((sum, { size }) => sum + size, 0),
    context,
  );
  for (const [at, layer] of layers.entries()) {
    const diffId = config.diffIds[at];
    if (diffId === undefined) continue;
    const content = progress(blobs.open(layer));
    await applyLayer(editor, await readLayer(content, { layer, diffId }, { ...world, signal: context.signal }));
  }
  const detail = { manifest: digest, config: manifest.config.digest };
  return { ok: true, outputs: [{ kind: 'tree', digest: await writeTree(editor) }], detail };
}

/** Tells how far all layers together are. */
function told(total: number, context: OpContext): (content: ReturnType<ImageBlobs['open']>) => AsyncGenerator<Uint8Array> {
  let done = 0;
  return async function* pass(content) {
    for await (const chunk of content) {
      done += chunk.length;
      context.transfer(done, total);
      yield chunk;
    }
  };
}
