import { PortkitError } from '../base/errors.ts';
import type { ImageSpec } from '../graph/source-ops.ts';
import { parsePlatform, servesPlatform, showPlatform } from '../oci/model/platform.ts';
import type { Facts, Op, OpContext, Outcome } from '../solver/op.ts';
import { newTree, writeTree } from '../store/trees/editor.ts';
import { malformedImage, parseConfig } from './image/documents.ts';
import { applyLayer, readLayer } from './image/layer.ts';
import { findManifest, readDocument } from './image/layout.ts';
import type { ImageBlobs } from './image/layout.ts';
import { originOf } from './image/origin.ts';
import type { OriginWorld } from './image/origin.ts';
import { pinNameOf, pinnedDigest } from './image/pin.ts';
import type { FileWorld } from './input.ts';
import { asOutcome } from './outcome.ts';
import { implied } from './tar-entry.ts';

/** What image steps are lent by their builder; its platform is that of steps that do not say one. */
export interface ImageWorld extends FileWorld, OriginWorld {}

/**
 * The root file system of an image. Every blob is checked by its digest and size, every layer also by what it unpacks to.
 * Pinned, the digest is the key and nothing is looked at; otherwise the key is what the layout's index names today. An image
 * of a registry is only used pinned: what its tag stands for is kept by the lock.
 */
export function imageOp(spec: ImageSpec, given: ImageWorld): Op {
  const platform = spec.platform ?? given.platform;
  const world = { ...given, platform };
  let pinning: Promise<Outcome> | undefined;
  const facts = (): Facts => {
    const pinned = pinnedDigest(spec, world.pin);
    return { facts: pinned === undefined ? { reference: spec.reference, platform } : { digest: pinned, platform } };
  };
  return {
    code: 'image/1',
    pool: spec.layout === undefined ? 'network' : 'io',
    facts({ signal }) {
      if (pinnedDigest(spec, world.pin) !== undefined) return facts();
      if (spec.layout !== undefined) {
        return originOf(spec, world, signal)
          .then(({ start }) => start())
          .then((digest) => ({ facts: { digest, platform } }));
      }
      if (world.pin?.set === undefined) return facts();
      pinning ??= pinToday(spec, world, signal);
      return pinning.then(facts);
    },
    async run(_, context) {
      const outcome = await pinning;
      return outcome?.ok === false ? outcome : asOutcome(() => take(spec, world, context));
    },
  };
}

function pinToday(spec: ImageSpec, world: ImageWorld, signal: AbortSignal): Promise<Outcome> {
  return asOutcome(async () => {
    const { start } = await originOf(spec, world, signal);
    world.pin?.set?.(pinNameOf(spec), await start());
    return { ok: true, outputs: [] };
  });
}

async function take(spec: ImageSpec, world: ImageWorld, context: OpContext): Promise<Outcome> {
  const { signal } = context;
  const { blobs, start, pinned } = await originOf(spec, world, signal);
  const first = { digest: await start() };
  if (!pinned) {
    throw new PortkitError('PK3205', `The image ${spec.reference} is not pinned`, {
      hint: `Write  digest = "${first.digest}"  or run once with --update`,
    });
  }
  const platform = parsePlatform(world.platform);
  const { digest, manifest } = await findManifest(blobs, { start: first, platform });
  const config = parseConfig(await readDocument(blobs, manifest.config), manifest.config.digest);
  if (!servesPlatform(config.platform, platform)) {
    throw new PortkitError('PK3203', `The image is for ${showPlatform(config.platform)} and not for ${world.platform}`);
  }
  const { layers } = manifest;
  if (layers.length !== config.diffIds.length) throw malformedImage('its config names another number of layers');
  const editor = newTree(implied, { blobs: world.blobs, signal });
  const progress = told(
    layers.reduce((sum, { size }) => sum + size, 0),
    context,
  );
  for (const [at, layer] of layers.entries()) {
    const diffId = config.diffIds[at];
    if (diffId === undefined) continue;
    const content = progress(blobs.open(layer));
    await applyLayer(editor, await readLayer(content, { layer, diffId }, { ...world, signal }));
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
