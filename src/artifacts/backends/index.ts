import { resolve } from 'node:path';
import { PortkitError } from '../../base/errors.ts';
import type { TakeLock } from '../copies/sealed.ts';
import type { Artifact, BackendConfig } from '../model/artifact.ts';
import type { Backend } from './backend.ts';
import { fileSystemBackend } from './file-system.ts';

/** What backends are given of the world. */
export interface BackendWorld {
  /** What the roots of stores are relative to. */
  readonly project: string;
  readonly takeLock: TakeLock;
}

/** Where an artifact is pushed to or pulled from; PK3907 when the definition does not say, PK3908 when it cannot be done. */
export function backendOf(artifact: Artifact, verb: 'push' | 'pull', world: BackendWorld): Backend {
  const config = artifact[verb];
  const whose = `${artifact.kind} artifact '${artifact.name}'`;
  if (config === undefined) {
    throw new PortkitError('PK3907', `The ${whose} has no distribution.${verb}`, {
      hint: `Add distribution.${verb} with backend = "file-system" and a root`,
    });
  }
  if (config.backend === 'file-system') return fileSystemBackend(resolve(world.project, config.root), world.takeLock);
  throw new PortkitError('PK3908', `Cannot ${verb} the ${whose}: the backend ${showBackend(config)} is not in this version`, {
    hint: 'Its configuration is right. The backend "file-system" can be used today',
  });
}

/** A backend in Port's words: `oci-registry plain-http anonymous`. */
function showBackend(config: BackendConfig): string {
  if (config.backend !== 'oci-registry') return config.backend;
  const { backend, transport = 'https', auth } = config;
  return [backend, transport, ...(auth === undefined ? [] : [auth.kind])].join(' ');
}
