import { PortkitError } from '../../base/errors.ts';
import { backendOf } from '../backends/index.ts';
import { onFile } from '../copies/failure.ts';
import { chunksOf } from '../copies/read.ts';
import { publishSealed } from '../copies/sealed.ts';
import { stage } from '../copies/staged.ts';
import type { Staged } from '../copies/staged.ts';
import { filesOf } from '../model/paths.ts';
import type { Chosen } from '../model/paths.ts';
import { showReference } from '../model/reference.ts';
import { showSelector } from '../model/selector.ts';
import { cachePlace, cachePublishing, localPlace, shownIn } from './workplace.ts';
import type { Done, Moved, Workplace } from './workplace.ts';

/** Fetches a variant from its store to its canonical path, and keeps a copy in the cache. */
export async function pull(chosen: Chosen, workplace: Workplace): Promise<Done> {
  const { project, signal } = workplace;
  const backend = backendOf(chosen.artifact, 'pull', workplace);
  using ready = new DisposableStack();
  const locals: Staged[] = [];
  const copies: Staged[] = [];
  const files: Moved[] = [];
  for (const file of filesOf(chosen.variant)) {
    const store = shownIn(project, backend.placeOf(chosen, file.name));
    const found = await backend.pull(chosen, file.name, signal);
    if (found === undefined) throw notThere(chosen, store);
    const local = ready.use(await stage(localPlace(file, workplace), found.content, signal));
    const copy = ready.use(await stage(cachePlace(chosen, file, workplace), chunksOf(local.path, signal), signal));
    locals.push(local);
    copies.push(copy);
    files.push({
      name: file.name,
      local: shownIn(project, local.place),
      store,
      cache: shownIn(project, copy.place),
      digest: local.digest,
      size: local.size,
      verified: found.sealed,
    });
  }
  await publishSealed(copies, cachePublishing(chosen, workplace));
  for (const local of locals) await onFile('write', shownIn(project, local.place), () => local.publish());
  return { backend: backend.shown, files };
}

function notThere({ artifact, variant }: Chosen, store: string): PortkitError {
  const what = `${showReference(artifact.reference)} for ${showSelector(variant.selector)}`;
  return new PortkitError('PK3909', `${what} is not in the store: ${store} is not there`, {
    hint: 'Push it first with "portkit artifacts push". No other variant is taken in its place',
  });
}
