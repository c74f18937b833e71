import { byteString } from '../../base/byte-string.ts';
import type { Digest } from '../../base/digest.ts';
import { PortkitError } from '../../base/errors.ts';
import type { Ref } from '../../base/ref.ts';
import { followPath } from '../../ops/tree/paths.ts';
import { strictJson } from '../../oci/model/manifest.ts';
import type { LayoutWorld } from '../layout-tree.ts';
import type { LayerRequest } from './layers.ts';
import { layerPath } from './title.ts';

/** What a tree says of itself, in files that are named like BuildKit's metadata of a result (moby/buildkit#6574). */
export interface Signals {
  readonly artifactType?: string;
  readonly configType: string;
  readonly layers: readonly LayerRequest[];
}

const prefix = 'containerimage.artifact';
const mostBytes = 1 << 20;

/** Reads the four files; PK4101 when they do not say enough, PK4102 for layers outside the tree. */
export async function readSignals(tree: Digest, world: LayoutWorld): Promise<Signals> {
  if ((await textOf(tree, prefix, world)) === undefined) {
    throw new PortkitError('PK4101', `The tree does not say that it is an artifact: it has no file ${prefix}`, {
      hint: `Write the files ${prefix}, .type, .config.mediatype and .layers, or list the layers in the step`,
    });
  }
  const artifactType = (await textOf(tree, `${prefix}.type`, world))?.trim();
  const configType = (await textOf(tree, `${prefix}.config.mediatype`, world))?.trim();
  if (configType === undefined) throw new PortkitError('PK4101', `The tree has no file ${prefix}.config.mediatype`);
  const text = (await textOf(tree, `${prefix}.layers`, world)) ?? '[]';
  const listed = strictJson(Buffer.from(text), `${prefix}.layers`);
  if (!Array.isArray(listed)) throw malformed('it is no list');
  const layers: LayerRequest[] = [];
  for (const one of listed) layers.push(await layerAt(tree, one, world));
  return { ...(artifactType !== undefined && artifactType !== '' && { artifactType }), configType, layers };
}

function malformed(why: string): PortkitError {
  return new PortkitError('PK4101', `${prefix}.layers is malformed: ${why}`, {
    hint: 'It is a list of { "path": …, "mediaType": …, "annotations": { … } }',
  });
}

async function layerAt(tree: Digest, one: unknown, world: LayoutWorld): Promise<LayerRequest> {
  if (typeof one !== 'object' || one === null) throw malformed('a layer is no object');
  const { path, mediaType, annotations = {} } = one as Readonly<Record<string, unknown>>;
  if (typeof path !== 'string') throw malformed('a layer has no path');
  if (mediaType !== undefined && typeof mediaType !== 'string') throw malformed('a media type is no text');
  const name = layerPath(path);
  const { item } = await followPath(tree, byteString(name), { access: world, last: 'keep' });
  if (item?.type !== 'file' && item?.type !== 'dir') {
    throw new PortkitError('PK4101', `The tree has no file ${JSON.stringify(name)}, which is one of its layers`);
  }
  const input: Ref = item.type === 'file' ? { kind: 'blob', digest: item.content } : { kind: 'tree', digest: item.node };
  return { name, input, ...(mediaType !== undefined && { mediaType }), annotations: textsOf(annotations) };
}

function textsOf(annotations: unknown): Readonly<Record<string, string>> {
  const entries = typeof annotations === 'object' && annotations !== null ? Object.entries(annotations) : [];
  const texts = entries.filter((entry): entry is [string, string] => typeof entry[1] === 'string');
  if (texts.length < entries.length || Array.isArray(annotations)) throw malformed('annotations are texts by name');
  return Object.fromEntries(texts);
}

/** The text of a file at the top of the tree; undefined when it is not there. */
async function textOf(tree: Digest, name: string, world: LayoutWorld): Promise<string | undefined> {
  const { item } = await followPath(tree, byteString(name), { access: world, last: 'keep' });
  if (item === undefined) return undefined;
  const bytes = item.type === 'file' && item.size <= mostBytes ? world.blobs.get(item.content, mostBytes) : undefined;
  if (bytes !== undefined) return Buffer.from(bytes).toString();
  throw new PortkitError('PK4101', `${name} is no file of at most ${mostBytes} bytes`);
}
