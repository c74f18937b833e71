import { canonicalJson } from '../../base/canonical.ts';
import type { Descriptor } from '../model/descriptor.ts';
import type { Family } from '../model/families.ts';
import { familyTypes } from '../model/families.ts';
import { mediaTypes } from '../model/media-types.ts';
import type { BlobSource, Target } from '../model/ports.ts';
import { describe, emptyBlob, produceManifest } from '../model/produce.ts';
import { bytesSource } from '../model/read.ts';
import type { Config } from './config.ts';

/** One layer of content: a gzip tar. */
export interface Content {
  readonly descriptor: Descriptor;
  readonly source: BlobSource;
}

/** A typed artifact that is to be pushed. */
export interface TypedArtifact {
  readonly family: Family;
  readonly config: Config;
  readonly content?: Content;
}

/** Pushes an artifact, config and content before the manifest; the same artifact always has the same digest. */
export async function pushTyped({ family, config, content }: TypedArtifact, target: Target, signal: AbortSignal) {
  const types = familyTypes(family);
  const bytes = Buffer.from(canonicalJson(config));
  const described = describe(bytes, types.config);
  const layers = [content ?? { descriptor: emptyBlob.descriptor, source: bytesSource(emptyBlob.bytes) }];
  const manifest = produceManifest({
    artifactType: types.artifactType,
    config: described,
    layers: layers.map(({ descriptor }) => descriptor),
  });
  await target.push(described, bytesSource(bytes), signal);
  for (const { descriptor, source } of layers) await target.push(descriptor, source, signal);
  await target.push(manifest.descriptor, bytesSource(manifest.bytes), signal);
  return { descriptor: manifest.descriptor, configBytes: bytes.length };
}

/** The media type of a layer of content. */
export const contentType = mediaTypes.layerGzip;
