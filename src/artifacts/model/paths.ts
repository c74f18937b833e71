import { posix } from 'node:path';
import type { Artifact, Variant } from './artifact.ts';

/** The file that a guest image is shipped with, beside it. */
export const initrdName = 'initrd.cpio.gz';

/** Where the agent is in a guest image. */
export const agentPath = '/usr/bin/port-guest-agent';

/** One artifact and the variant of it that is meant. */
export interface Chosen {
  readonly artifact: Artifact;
  readonly variant: Variant;
}

/** One file of a variant: its name everywhere, its canonical path in the project, and the step that makes it. */
export interface VariantFile {
  readonly name: string;
  readonly path: string;
  readonly step: string | undefined;
}

/** The files of a variant: the artifact itself first. */
export function filesOf({ path, build }: Variant): readonly VariantFile[] {
  const main = { name: posix.basename(path), path, step: build?.step };
  if (build?.initrd === undefined) return [main];
  return [main, { name: initrdName, path: posix.join(posix.dirname(path), initrdName), step: build.initrd }];
}

/** The one place of a file below any store or cache root. */
export function placeOf({ artifact, variant }: Chosen, name: string): string {
  const { registry, repository, version } = artifact.reference;
  const { architecture, substrate, protection_mode: mode } = variant.selector;
  return [registry, repository, version, architecture, substrate, mode, name].join('/');
}
