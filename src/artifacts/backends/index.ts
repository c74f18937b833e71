import { resolve } from 'node:path';
import { PortkitError } from '../../base/errors.ts';
import type { TakeLock } from '../copies/sealed.ts';
import type { Artifact } from '../model/artifact.ts';
import type { Backend } from './backend.ts';
import { fileSystemBackend } from './file-system.ts';
import { registryBackend } from './oci-registry.ts';
import type { Registries } from './oci-registry.ts';

/** What backends are given of the world. */
export interface BackendWorld {
  /** What the roots of stores are relative to. */
  readonly project: string;
  readonly takeLock: TakeLock;
  readonly registries: Registries;
}

/** Where an artifact is pushed to or pulled from; PK3907 when the definition does not say, PK3908 when it cannot be done. */
export function backendOf(artifact: Artifact, access: 'push' | 'pull', world: BackendWorld): Backend {
  const config = artifact[access];
  const whose = `${artifact.kind} artifact '${artifact.name}'`;
  if (config === undefined) {
    throw new PortkitError('PK3907', `The ${whose} has no distribution.${access}`, {
      hint: `Add distribution.${access} with backend = "file-system" and a root`,
    });
  }
  if (config.backend === 'file-system') return fileSystemBackend(resolve(world.project, config.root), world.takeLock);
  if (config.backend === 'oci-registry') return registryBackend({ config, access }, world.registries);
  throw new PortkitError('PK3908', `Cannot ${access} the ${whose}: the backend ${config.backend} is not in this version`, {
    hint: 'Its configuration is right. The backends "file-system" and "oci-registry" can be used today',
  });
}
