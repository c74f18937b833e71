import { PortkitError } from '../../base/errors.ts';
import type { Descriptor } from '../../oci/model/descriptor.ts';
import { parseOciDigest } from '../../oci/model/digest.ts';
import type { ImageIndex, ImageManifest } from '../../oci/model/manifest.ts';
import { produceIndex, produceManifest } from '../../oci/model/produce.ts';
import type { Produced } from '../../oci/model/produce.ts';
import { initrdName } from '../model/paths.ts';
import type { Chosen } from '../model/paths.ts';
import { showSelector } from '../model/selector.ts';
import type { Selector } from '../model/selector.ts';
import type { Upload } from './backend.ts';

const title = 'org.opencontainers.image.title';
const [substrateKey, modeKey] = ['dev.portkit.variant.substrate', 'dev.portkit.variant.protection-mode'];
const platforms = { x86_64: 'amd64', aarch64: 'arm64' } as const;
const fileTypes = {
  kernel: 'application/vnd.port.kernel.v1+binary',
  'guest-image': 'application/vnd.port.guest-image.v1+binary',
} as const;
const initrdType = 'application/vnd.port.initrd.v1+binary';

/** What the manifests and indexes of an artifact say that they are. */
function artifactTypeOf({ artifact }: Pick<Chosen, 'artifact'>): string {
  return `application/vnd.port.${artifact.kind}.v1`;
}

/** Port's tag for a variant. */
export function tagOf({ artifact, variant }: Chosen): string {
  const { architecture, substrate, protection_mode: mode } = variant.selector;
  return [artifact.reference.version, architecture, substrate, mode].join('-');
}

/** Whether an index holds variants of this artifact's kind; programs that copy indexes may have left out what it says it is. */
export function holdsVariants(chosen: Chosen, { artifactType, manifests }: ImageIndex): boolean {
  if (artifactType !== undefined) return artifactType === artifactTypeOf(chosen);
  return manifests.some(({ annotations }) => annotations?.[substrateKey] !== undefined);
}

/** The blob of a file of a variant. */
export function layerOf({ artifact }: Pick<Chosen, 'artifact'>, { name, digest, size }: Upload): Descriptor {
  const mediaType = name === initrdName ? initrdType : fileTypes[artifact.kind];
  return { mediaType, digest: parseOciDigest(digest), size, annotations: { [title]: name } };
}

/** The one manifest of these files of a variant. */
export function manifestOf(chosen: Chosen, layers: readonly Descriptor[]): Produced {
  return produceManifest({ artifactType: artifactTypeOf(chosen), layers, annotations: annotationsOf(chosen.variant.selector) });
}

/** The layer that is a file; undefined when the manifest has none of this name. */
export function layerNamed({ layers }: Pick<ImageManifest, 'layers'>, name: string): Descriptor | undefined {
  const [found, ...others] = layers.filter(({ annotations }) => annotations?.[title] === name);
  if (others.length === 0) return found;
  throw new PortkitError('PK4002', `A manifest has the file ${JSON.stringify(name)} ${others.length + 1} times`);
}

/** An index in which a variant is this manifest; what else it has stays. The same entries always make the same index. */
export function indexWith(chosen: Chosen, entry: Descriptor, before: readonly Descriptor[]): Produced {
  const { selector } = chosen.variant;
  const platform = { os: 'linux', architecture: platforms[selector.architecture] };
  const own = { ...entry, platform, annotations: annotationsOf(selector) };
  const others = before.filter((one) => !isVariant(one, selector));
  const manifests = [...others, own].toSorted((a, b) => (orderOf(a) < orderOf(b) ? -1 : 1));
  return produceIndex({ artifactType: artifactTypeOf(chosen), manifests });
}

/** The entry of a variant in an index. */
export function entryOf(selector: Selector, { manifests }: Pick<ImageIndex, 'manifests'>): Descriptor | undefined {
  const [found, ...others] = manifests.filter((one) => isVariant(one, selector));
  if (others.length === 0) return found;
  throw new PortkitError('PK4002', `An index has the variant ${showSelector(selector)} ${others.length + 1} times`);
}

function annotationsOf({ substrate, protection_mode: mode }: Selector): Readonly<Record<string, string>> {
  return { [substrateKey]: substrate, [modeKey]: mode };
}

function isVariant({ platform, annotations }: Descriptor, selector: Selector): boolean {
  const { architecture, substrate, protection_mode: mode } = selector;
  return (
    platform?.os === 'linux' &&
    platform.architecture === platforms[architecture] &&
    annotations?.[substrateKey] === substrate &&
    annotations[modeKey] === mode
  );
}

function orderOf({ platform, annotations, digest }: Descriptor): string {
  return [platform?.architecture, annotations?.[substrateKey], annotations?.[modeKey], digest].join(' ');
}
