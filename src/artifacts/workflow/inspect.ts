import { backendOf } from '../backends/index.ts';
import type { Backend } from '../backends/backend.ts';
import { onFile } from '../copies/failure.ts';
import { showPlace } from '../copies/folder.ts';
import { factsOf } from '../copies/read.ts';
import { examine } from '../copies/sealed.ts';
import type { Examined } from '../copies/sealed.ts';
import type { FileFacts } from '../copies/staged.ts';
import type { BackendConfig } from '../model/artifact.ts';
import { filesOf } from '../model/paths.ts';
import type { Chosen } from '../model/paths.ts';
import { cachePlace, localPlace, shownIn } from './workplace.ts';
import type { Workplace } from './workplace.ts';

/** One file of a variant in all places; a store that cannot be looked into is left out. */
export interface Inspected {
  readonly name: string;
  readonly local: { readonly path: string } & ({ readonly state: 'absent' } | ({ readonly state: 'there' } & FileFacts));
  readonly store?: { readonly path: string } & Examined;
  readonly cache: { readonly path: string } & Examined;
}

/** Looks at the files of a variant wherever they are, all of their bytes included. */
export async function inspect(chosen: Chosen, workplace: Workplace): Promise<readonly Inspected[]> {
  const { project, signal } = workplace;
  const backend = storeOf(chosen, ['file-system', 'oci-registry'], workplace);
  const inspected: Inspected[] = [];
  for (const file of filesOf(chosen.variant)) {
    const [local, cache] = [localPlace(file, workplace), cachePlace(chosen, file, workplace)];
    const facts = await onFile('read', showPlace(local), () => factsOf(local, signal));
    inspected.push({
      name: file.name,
      local: { path: shownIn(project, local), ...(facts === undefined ? { state: 'absent' } : { state: 'there', ...facts }) },
      ...(backend && {
        store: {
          path: shownIn(project, backend.placeOf(chosen, file.name)),
          ...(await backend.examine(chosen, file.name, signal)),
        },
      }),
      cache: { path: shownIn(project, cache), ...(await examine(cache, signal)) },
    });
  }
  return inspected;
}

/** The store that a variant is pulled from, or else pushed to, when it is of a kind that can be looked into. */
export function storeOf(
  { artifact }: Chosen,
  kinds: readonly BackendConfig['backend'][],
  workplace: Workplace,
): Backend | undefined {
  const verb = artifact.pull === undefined ? 'push' : 'pull';
  const kind = artifact[verb]?.backend;
  return kind !== undefined && kinds.includes(kind) ? backendOf(artifact, verb, workplace) : undefined;
}
