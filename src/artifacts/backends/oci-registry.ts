import { createHash } from 'node:crypto';
import { digestFromHex } from '../../base/digest.ts';
import { PortkitError } from '../../base/errors.ts';
import type { Descriptor } from '../../oci/model/descriptor.ts';
import type { ImageManifest } from '../../oci/model/manifest.ts';
import { kindOf } from '../../oci/model/media-types.ts';
import type { BlobSource, Source, Target } from '../../oci/model/ports.ts';
import { emptyBlob } from '../../oci/model/produce.ts';
import { bytesSource, readManifest } from '../../oci/model/read.ts';
import type { Examined } from '../copies/sealed.ts';
import { parseReference } from '../../oci/model/reference.ts';
import type { Artifact, RegistryConfig } from '../model/artifact.ts';
import type { Chosen } from '../model/paths.ts';
import { showReference } from '../model/reference.ts';
import { showSelector } from '../model/selector.ts';
import type { Backend, Upload } from './backend.ts';
import { putIntoIndex } from './put-into-index.ts';
import type { Waiting } from './put-into-index.ts';
import { entryOf, layerNamed, layerOf, manifestOf } from './variant-manifest.ts';

/** The repository of an artifact. */
export interface RepositoryWish {
  readonly registry: string;
  readonly repository: string;
  readonly access: 'push' | 'pull';
  readonly config: RegistryConfig;
}

/** Opens repositories of registries. */
export interface Registries {
  /** Where variants are kept, as the configuration says who asks and how. */
  openRepository(wish: RepositoryWish): Promise<Target>;
  readonly waiting: Waiting;
}

/** What a registry backend is for. */
interface Use {
  readonly config: RegistryConfig;
  readonly access: RepositoryWish['access'];
}

/**
 * A repository of an OCI registry. What a variant stands for is looked up once, so that its files belong together. Both forms
 * of tags are read, that of the configuration first.
 */
export function registryBackend({ config, access }: Use, registries: Registries): Backend {
  const isIndexed = config.tagForm !== 'per-variant';
  const opened = new Map<string, Promise<Target>>();
  const found = new Map<Chosen, Promise<Found | undefined>>();
  function open({ artifact }: Chosen): Promise<Target> {
    const { registry, repository } = hostedName(artifact);
    const key = `${registry}/${repository}`;
    const target = opened.get(key) ?? registries.openRepository({ registry, repository, access, config });
    opened.set(key, target);
    return target;
  }
  function find(chosen: Chosen, signal: AbortSignal): Promise<Found | undefined> {
    const known = found.get(chosen) ?? open(chosen).then((source) => findVariant({ source, isIndexed }, chosen, signal));
    found.set(chosen, known);
    return known;
  }
  async function layer(chosen: Chosen, name: string, signal: AbortSignal) {
    const variant = await find(chosen, signal);
    const descriptor = variant && layerNamed(variant.manifest, name);
    return descriptor && { descriptor, source: await open(chosen) };
  }
  const placeOf = (chosen: Chosen, name: string): string => {
    const tagged = { ...chosen.artifact.reference, version: isIndexed ? chosen.artifact.reference.version : tagOf(chosen) };
    return `${showReference(tagged)}#${isIndexed ? `${showSelector(chosen.variant.selector)}/` : ''}${name}`;
  };
  return {
    shown: ['oci-registry', config.transport, config.auth?.kind].filter((word) => word !== undefined).join(' '),
    placeOf,
    async push(chosen, files, signal) {
      const target = await open(chosen);
      const { descriptor } = await pushVariant(chosen, files, { target, signal });
      if (!isIndexed) return target.tag(descriptor, tagOf(chosen), signal);
      return putIntoIndex(chosen, descriptor, { target, waiting: registries.waiting, signal });
    },
    async pull(chosen, name, signal) {
      const there = await damaged(() => layer(chosen, name, signal), placeOf(chosen, name));
      return there && { sealed: true, content: blamed(there.source, there.descriptor, { place: placeOf(chosen, name), signal }) };
    },
    async examine(chosen, name, signal) {
      const there = await damaged(() => layer(chosen, name, signal), placeOf(chosen, name));
      return there === undefined ? { state: 'absent' } : examineBlob(there.source, there.descriptor, signal);
    },
  };
}

/** The repository of an artifact; PK3907 when its registry is only a name, as those of other backends may be. */
function hostedName({ kind, name, reference: { registry, repository } }: Artifact) {
  try {
    return parseReference(`${registry}/${repository}`);
  } catch (cause) {
    throw new PortkitError('PK3907', `The registry ${registry} of the ${kind} artifact '${name}' is no host`, {
      hint: 'Set reference.registry to the HOST or HOST:PORT of the registry',
      cause,
    });
  }
}

/** Port's tag for a variant. */
function tagOf({ artifact, variant }: Chosen): string {
  const { architecture, substrate, protection_mode: mode } = variant.selector;
  return [artifact.reference.version, architecture, substrate, mode].join('-');
}

interface Found {
  readonly manifest: ImageManifest;
}

async function findVariant(
  { source, isIndexed }: { readonly source: Source; readonly isIndexed: boolean },
  chosen: Chosen,
  signal: AbortSignal,
): Promise<Found | undefined> {
  const inIndex = async () => {
    const root = await source.resolve(chosen.artifact.reference.version, signal);
    if (root === undefined || kindOf(root.mediaType) !== 'index') return undefined;
    const index = await readManifest(source, root, signal);
    return index.kind === 'index' ? entryOf(chosen.variant.selector, index) : undefined;
  };
  const tagged = () => source.resolve(tagOf(chosen), signal);
  const [first, second] = isIndexed ? [inIndex, tagged] : [tagged, inIndex];
  const descriptor = (await first()) ?? (await second());
  if (descriptor === undefined) return undefined;
  const manifest = await readManifest(source, descriptor, signal);
  if (manifest.kind === 'manifest') return { manifest };
  throw new PortkitError('PK4004', `${descriptor.digest} of ${source.shown} is an index, and no manifest of a variant`);
}

async function pushVariant(
  chosen: Chosen,
  files: readonly Upload[],
  { target, signal }: { readonly target: Target; readonly signal: AbortSignal },
) {
  const layers = files.map((file) => ({ descriptor: layerOf(chosen, file), source: sourceOf(file) }));
  for (const { descriptor, source } of layers) await target.push(descriptor, source, signal);
  await target.push(emptyBlob.descriptor, bytesSource(emptyBlob.bytes), signal);
  const manifest = manifestOf(
    chosen,
    layers.map(({ descriptor }) => descriptor),
  );
  await target.push(manifest.descriptor, bytesSource(manifest.bytes), signal);
  return manifest;
}

function sourceOf(upload: Upload): BlobSource {
  return {
    async *open(signal, offset = 0) {
      let before = offset;
      for await (const chunk of upload.content(signal)) {
        if (before < chunk.length) yield chunk.subarray(before);
        before = Math.max(0, before - chunk.length);
      }
    },
  };
}

async function* blamed(
  source: Source,
  descriptor: Descriptor,
  { place, signal }: { readonly place: string; readonly signal: AbortSignal },
): AsyncGenerator<Uint8Array> {
  const content = await damaged(() => source.fetch(descriptor, signal), place);
  const chunks = content[Symbol.asyncIterator]();
  try {
    for (;;) {
      const { done, value } = await damaged(() => chunks.next(), place);
      if (done === true) return;
      yield value;
    }
  } finally {
    await chunks.return?.();
  }
}

/** Names what is damaged when it is not what it should be. */
async function damaged<T>(work: () => Promise<T>, place: string): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof PortkitError) || error.code !== 'PK4003') throw error;
    throw new PortkitError('PK3910', `${place} is damaged: ${error.message}`, {
      hint: 'It was not used: push the variant again from where it is whole',
      cause: error,
    });
  }
}

/** Reads a blob to its end. Of a damaged one the facts are those of what came. */
async function examineBlob(source: Source, descriptor: Descriptor, signal: AbortSignal): Promise<Examined> {
  const hash = createHash('sha256');
  let size = 0;
  const facts = () => ({ digest: digestFromHex(hash.digest('hex')), size });
  try {
    for await (const chunk of await source.fetch(descriptor, signal)) {
      hash.update(chunk);
      size += chunk.length;
    }
    return { state: 'whole', ...facts() };
  } catch (error) {
    if (!(error instanceof PortkitError) || error.code !== 'PK4003') throw error;
    return { state: 'damaged', why: error.message, ...facts() };
  }
}
