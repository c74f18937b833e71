import { PortkitError } from '../../base/errors.ts';
import type { Ref } from '../../base/ref.ts';
import { contentOf } from '../content.ts';
import type { ReadableBlobs } from '../exporter.ts';
import { onFile } from '../copies/failure.ts';
import { showPlace } from '../copies/folder.ts';
import { factsOf } from '../copies/read.ts';
import { stage } from '../copies/staged.ts';
import type { Staged } from '../copies/staged.ts';
import { filesOf } from '../model/paths.ts';
import type { Chosen } from '../model/paths.ts';
import { showSelector } from '../model/selector.ts';
import { resultFile } from './result-file.ts';
import { localPlace, shownIn } from './workplace.ts';
import type { Done, Moved, Workplace } from './workplace.ts';

/** Results of steps by the names of the steps, and the store that has them. */
export interface Results {
  readonly refs: Readonly<Record<string, Ref>>;
  readonly blobs: ReadableBlobs;
}

/** The steps that make a variant; PK3907 when the definition names none. */
export function stepsOf({ artifact, variant }: Chosen): readonly string[] {
  if (variant.build !== undefined) return filesOf(variant).flatMap(({ step }) => step ?? []);
  const shown = showSelector(variant.selector);
  throw new PortkitError('PK3907', `The ${artifact.kind} artifact '${artifact.name}' names no step that builds ${shown}`, {
    hint: 'Give the variant build = { step = "NAME" }; "build" strings of the artifact are accepted and never run',
  });
}

/** Writes what the steps of a variant made to its canonical paths; a file that has these bytes already is left alone. */
export async function deliver(chosen: Chosen, { refs, blobs }: Results, workplace: Workplace): Promise<Done> {
  const { signal, project } = workplace;
  using ready = new DisposableStack();
  const staged: Staged[] = [];
  const files: Moved[] = [];
  for (const file of filesOf(chosen.variant)) {
    const place = localPlace(file, workplace);
    const ref = file.step === undefined ? undefined : refs[file.step];
    if (file.step === undefined || ref === undefined) throw new Error(`The step of ${file.path} was not built`);
    const { content, size } = await resultFile({ step: file.step, ref }, file.name, { blobs, signal });
    const before = await onFile('read', showPlace(place), () => factsOf(place, signal));
    const unchanged = before?.digest === content;
    if (!unchanged) staged.push(ready.use(await stage(place, contentOf({ content, size }, blobs, signal), signal)));
    files.push({ name: file.name, local: shownIn(project, place), digest: content, size, unchanged });
  }
  for (const file of staged) await onFile('write', showPlace(file.place), () => file.publish());
  return { files };
}
