import type { Workplace } from '../../artifacts/workflow/workplace.ts';
import { folderOfParts, workplaceOf } from '../../wiring.ts';
import type { Invocation } from '../command.ts';
import { storeRoot } from '../context.ts';

/** The workplace of one command line: what comes of large files from registries is kept in its store. */
export function workplaceFor(
  project: string,
  { options, note, signal }: Pick<Invocation, 'options' | 'note' | 'signal'>,
): Promise<Workplace & Disposable> {
  return workplaceOf(project, {
    signal,
    warn: (message) => note(`warning: ${message}`),
    folder: () => folderOfParts(() => storeRoot(options['root'])),
  });
}
