import { PortkitError } from '../../base/errors.ts';
import type { ImageManifest } from '../../oci/model/manifest.ts';
import type { BlobSource, Target } from '../../oci/model/ports.ts';
import { emptyBlob } from '../../oci/model/produce.ts';
import { bytesSource } from '../../oci/model/read.ts';
import { parseReference } from '../../oci/model/reference.ts';
import type { Artifact, RegistryConfig } from '../model/artifact.ts';
import type { Chosen } from '../model/paths.ts';
import { showReference } from '../model/reference.ts';
import { showSelector } from '../model/selector.ts';
import type { Backend, Upload } from './backend.ts';
import { putIntoIndex } from './put-into-index.ts';
import type { Waiting } from './put-into-index.ts';
import { blamed, damaged, examineBlob, findVariant } from './read-variant.ts';
import { layerNamed, layerOf, manifestOf, tagOf } from './variant-manifest.ts';

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
  const found = new Map<Chosen, Promise<ImageManifest | undefined>>();
  function open({ artifact }: Chosen): Promise<Target> {
    const { registry, repository } = hostedName(artifact);
    const key = `${registry}/${repository}`;
    const target = opened.get(key) ?? registries.openRepository({ registry, repository, access, config });
    opened.set(key, target);
    return target;
  }
  function find(chosen: Chosen, signal: AbortSignal): Promise<ImageManifest | undefined> {
    const known = found.get(chosen) ?? open(chosen).then((source) => findVariant({ source, isIndexed }, chosen, signal));
    found.set(chosen, known);
    return known;
  }
  async function layer(chosen: Chosen, name: string, signal: AbortSignal) {
    const manifest = await find(chosen, signal);
    const descriptor = manifest && layerNamed(manifest, name);
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
