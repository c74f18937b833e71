import { byteString } from '../../base/byte-string.ts';
import type { Digest } from '../../base/digest.ts';
import { PortkitError } from '../../base/errors.ts';
import type { Ref } from '../../base/ref.ts';
import { refName } from '../../oci/layout/files.ts';
import { treeSource } from '../../oci/layout/tree.ts';
import type { Descriptor } from '../../oci/model/descriptor.ts';
import { isOciDigest } from '../../oci/model/digest.ts';
import { annotationsOf, list, record } from '../../oci/model/fields.ts';
import type { ImageManifest } from '../../oci/model/manifest.ts';
import { parseManifest } from '../../oci/model/manifest.ts';
import type { Produced } from '../../oci/model/produce.ts';
import { describeReferrer, emptyBlob, produceManifest } from '../../oci/model/produce.ts';
import { readManifest } from '../../oci/model/read.ts';
import type { Item } from '../../store/trees/access.ts';
import { selectItem } from '../../store/trees/select.ts';
import type { LayoutWorld, StoredBlob } from '../layout-tree.ts';
import { extendLayout, mainManifest, pathOf, readLayout, writeLayout } from '../layout-tree.ts';
import { checkedType, descriptorOf } from '../oci/layers.ts';
import { layerPath, titleAnnotation } from '../oci/title.ts';
import { broken } from './conversation.ts';
import { adoptLayout } from './adopt.ts';

/** Where a result is put together. */
export interface Assembling extends LayoutWorld {
  /** The layout that the postprocessor was given. */
  readonly layout: Digest;
  /** What it left in `/out`. */
  readonly out: Digest;
}

/**
 * The layout that a result asks for. Nothing is believed: what a result names is found in `/out` or in the layout that was
 * given, its digest and size are those of the files, and no link is followed.
 */
export async function assemble(result: Readonly<Record<string, unknown>>, world: Assembling): Promise<Ref> {
  const known = ['layout', 'manifest', 'referrers'];
  const odd = Object.keys(result).find((key) => !known.includes(key));
  if (odd !== undefined) throw broken(`the result has ${JSON.stringify(odd.slice(0, 80))}, which means nothing`);
  const { layout, manifest, referrers = [] } = result;
  if (layout === undefined) return asBroken(() => extended(manifest, referrers, world));
  if (typeof layout !== 'string' || manifest !== undefined || Object.hasOwn(result, 'referrers'))
    throw broken('a result has either a layout (its path), or a manifest and referrers');
  const item = layout === '.' ? undefined : await itemAt(layout, world);
  if (item !== undefined && item.type !== 'dir') throw broken(`${JSON.stringify(layout)} in /out is no folder`);
  return adoptLayout(item?.node ?? world.out, world);
}

/** The layout with another main manifest, if one is said, and with referrers of it. */
async function extended(manifest: unknown, referrers: unknown, world: Assembling): Promise<Ref> {
  const before = await mainManifest(world.layout, world);
  let main = before;
  let base: Digest = world.layout;
  if (manifest !== undefined) {
    const listed = await readLayout(world.layout, world);
    if (listed.length > 1) {
      throw broken('it changes a manifest that is attested or signed already: put it before what attests and signs');
    }
    const old = await readManifest(treeSource(world.layout, world.blobs), before, world.signal);
    const made = await manifestOf(manifest, { world, old: old.kind === 'manifest' ? old : undefined });
    const { annotations, platform } = before;
    main = { ...made.document.descriptor, ...(annotations && { annotations }), ...(platform && { platform }) };
    base = (await writeLayout({ blobs: made.blobs, documents: made.documents, manifests: [main] }, world)).digest;
  }
  const { [refName]: _, ...rest } = main.annotations ?? {};
  const subject: Descriptor = { ...main, annotations: rest };
  const told = [];
  for (const one of list(referrers, 'the result')) told.push(await manifestOf(one, { world, subject }));
  if (told.length === 0) return { kind: 'tree', digest: base };
  const listed = told.map(({ document: { bytes, descriptor } }) =>
    describeReferrer(descriptor, parseManifest(bytes, { shown: 'the referrer' })),
  );
  const addition = { blobs: told.flatMap(({ blobs }) => blobs), documents: told.flatMap(({ documents }) => documents) };
  return extendLayout(base, { ...addition, manifests: listed }, world);
}

interface Made {
  readonly document: Produced;
  readonly documents: readonly Produced[];
  readonly blobs: readonly StoredBlob[];
}

/** `{ artifactType, config, layers, annotations }`; what a main manifest does not say is as it was. */
async function manifestOf(
  value: unknown,
  {
    world,
    old,
    subject,
  }: { readonly world: Assembling; readonly old?: ImageManifest | undefined; readonly subject?: Descriptor },
): Promise<Made> {
  const { artifactType = old?.artifactType, config, layers, annotations = old?.annotations } = record(value, 'the result');
  if (typeof artifactType !== 'string') throw broken('a manifest of the result has no artifactType');
  const named = [];
  for (const layer of list(layers, 'the result')) named.push(await blobOf(layer, world));
  const configured = config === undefined ? old?.config : config;
  const own = configured === undefined ? undefined : await blobOf(configured, world);
  const document = produceManifest({
    artifactType: checkedType(artifactType),
    ...(own && { config: own.descriptor }),
    layers: named.map(({ descriptor }) => descriptor),
    ...(subject && { subject }),
    annotations: annotationsOf(annotations, 'the result'),
  });
  const isEmpty = named.length === 0 || own === undefined;
  return {
    document,
    documents: [document, ...(isEmpty ? [emptyBlob] : [])],
    blobs: [...named, ...(own ? [own] : [])].map(({ blob }) => blob),
  };
}

/** A new blob by its `path` in `/out`, or one of the layout that was given by its `digest`. */
async function blobOf(
  value: unknown,
  world: Assembling,
): Promise<{ readonly descriptor: Descriptor; readonly blob: StoredBlob }> {
  const { path, digest, size, mediaType, name, annotations } = record(value, 'the result');
  if (typeof mediaType !== 'string') throw broken('a blob of the result has no mediaType');
  if (path !== undefined && typeof path !== 'string') throw broken('a path of the result is no text');
  if (path === undefined && (typeof digest !== 'string' || !isOciDigest(digest)))
    throw broken('a blob of the result has neither a path nor a digest');
  const item =
    path === undefined ? await selectItem(world.layout, byteString(pathOf(String(digest))), world) : await itemAt(path, world);
  if (item?.type !== 'file') throw broken(`${JSON.stringify(path ?? digest)} of the result is no file`);
  const blob = { digest: item.content, size: item.size };
  if ((digest !== undefined && digest !== blob.digest) || (size !== undefined && size !== blob.size))
    throw new PortkitError('PK4003', `${JSON.stringify(path ?? digest)} of the result is not what its digest or size says`);
  const title = typeof name === 'string' ? { [titleAnnotation]: layerPath(name) } : {};
  const all = { ...annotationsOf(annotations, 'the result'), ...title };
  const descriptor = descriptorOf(blob, checkedType(mediaType), Object.keys(all).length === 0 ? undefined : all);
  return { descriptor, blob };
}

function itemAt(path: string, { out, ...world }: Assembling): Promise<Item | undefined> {
  return selectItem(out, byteString(layerPath(path)), world);
}

/** What is wrong in the form of a result breaks the protocol; a layout that is damaged is another matter. */
async function asBroken(work: () => Promise<Ref>): Promise<Ref> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof PortkitError && error.code === 'PK4002') throw broken(error.message, error);
    throw error;
  }
}
