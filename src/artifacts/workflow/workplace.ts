import { join } from 'node:path';
import type { BackendWorld } from '../backends/index.ts';
import { showPlace } from '../copies/folder.ts';
import type { Place } from '../copies/folder.ts';
import type { FileFacts } from '../copies/staged.ts';
import { placeOf } from '../model/paths.ts';
import type { Chosen, VariantFile } from '../model/paths.ts';

/** Where variants are worked on; canonical paths and cache roots are relative to the project, and stay in it. */
export interface Workplace extends BackendWorld {
  readonly signal: AbortSignal;
}

/** One file of a variant after it was built, pushed or pulled, with the paths that were touched. */
export interface Moved extends FileFacts {
  readonly name: string;
  readonly local: string;
  readonly store?: string;
  readonly cache?: string;
  /** For pulls: whether there was a digest to compare with. */
  readonly verified?: boolean;
  /** For builds: the file was there already, with these bytes. */
  readonly unchanged?: boolean;
}

/** What was done with a variant. */
export interface Done {
  readonly backend?: string;
  readonly files: readonly Moved[];
}

/** The canonical path of a file. */
export function localPlace(file: VariantFile, { project }: Pick<Workplace, 'project'>): Place {
  return { root: project, path: file.path };
}

/** Where the copy of a file is kept. */
export function cachePlace(chosen: Chosen, file: VariantFile, { project }: Pick<Workplace, 'project'>): Place {
  return { root: project, path: `${chosen.artifact.cacheRoot}/${placeOf(chosen, file.name)}` };
}

/** What publishing to the cache of an artifact takes. */
export function cachePublishing({ artifact }: Chosen, { project, takeLock, signal }: Workplace) {
  return { folder: join(project, artifact.cacheRoot), takeLock, signal };
}

/** A place as messages show it: relative to the project, as definitions write it. */
export function shownIn(project: string, place: Place | string): string {
  const path = typeof place === 'string' ? place : showPlace(place);
  return path.startsWith(`${project}/`) ? path.slice(project.length + 1) : path;
}
