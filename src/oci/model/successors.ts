import type { Descriptor } from './descriptor.ts';
import type { Manifest } from './manifest.ts';
import { isDistributable } from './media-types.ts';

/**
 * What must be where a document is: its config and layers, or its manifests, in their order. The subject is not among them:
 * what refers to something is whole without it. Layers that may not be distributed are not, either.
 */
export function successors(manifest: Manifest): readonly Descriptor[] {
  if (manifest.kind === 'index') return manifest.manifests;
  return [manifest.config, ...manifest.layers.filter(({ mediaType }) => isDistributable(mediaType))];
}
