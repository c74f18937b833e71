import { PortkitError } from '../../base/errors.ts';
import { backendOf } from '../backends/index.ts';
import type { Upload } from '../backends/backend.ts';
import { onFile } from '../copies/failure.ts';
import { findFile, showPlace } from '../copies/folder.ts';
import { chunksOf } from '../copies/read.ts';
import { publishSealed } from '../copies/sealed.ts';
import { stage } from '../copies/staged.ts';
import type { Staged } from '../copies/staged.ts';
import { filesOf } from '../model/paths.ts';
import type { Chosen } from '../model/paths.ts';
import { cachePlace, cachePublishing, localPlace, shownIn } from './workplace.ts';
import type { Done, Workplace } from './workplace.ts';

/** Publishes a variant from its canonical path to its store, and keeps a copy in the cache. */
export async function push(chosen: Chosen, workplace: Workplace): Promise<Done> {
  const { project, signal } = workplace;
  const backend = backendOf(chosen.artifact, 'push', workplace);
  using ready = new DisposableStack();
  const copies: Staged[] = [];
  for (const file of filesOf(chosen.variant)) {
    const place = localPlace(file, workplace);
    const shown = shownIn(project, place);
    const path = await onFile('read', showPlace(place), () => findFile(place));
    if (path === undefined) {
      throw new PortkitError('PK3909', `The ${chosen.artifact.kind} artifact is not there: ${shown}`, {
        hint: 'Build it first with "portkit artifacts build", or pull it',
      });
    }
    // The copy is what is pushed, so that both have the same bytes whatever happens to the file meanwhile.
    const copy = ready.use(await stage(cachePlace(chosen, file, workplace), chunksOf(path, signal), signal));
    if (copy.size === 0) throw new PortkitError('PK3909', `The ${chosen.artifact.kind} artifact is empty: ${shown}`);
    copies.push(copy);
  }
  const named = filesOf(chosen.variant).flatMap((file, at) => {
    const copy = copies[at];
    return copy === undefined ? [] : [{ file, copy }];
  });
  const uploads = named.map(({ file: { name }, copy: { digest, size, path } }): Upload => ({
    name,
    digest,
    size,
    content: (stop) => chunksOf(path, stop),
  }));
  await backend.push(chosen, uploads, signal);
  await publishSealed(copies, cachePublishing(chosen, workplace));
  return {
    backend: backend.shown,
    files: named.map(({ file, copy: { digest, size, place } }) => ({
      name: file.name,
      local: shownIn(project, localPlace(file, workplace)),
      store: shownIn(project, backend.placeOf(chosen, file.name)),
      cache: shownIn(project, place),
      digest,
      size,
    })),
  };
}
