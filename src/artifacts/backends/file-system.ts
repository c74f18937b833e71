import { PortkitError } from '../../base/errors.ts';
import { showPlace } from '../copies/folder.ts';
import type { Place } from '../copies/folder.ts';
import { examine, openSealed, publishSealed } from '../copies/sealed.ts';
import type { TakeLock } from '../copies/sealed.ts';
import { stage } from '../copies/staged.ts';
import type { Staged } from '../copies/staged.ts';
import { placeOf } from '../model/paths.ts';
import type { Chosen } from '../model/paths.ts';
import type { Backend } from './backend.ts';

/** A store that is a folder: `<root>/<registry>/<repository>/<version>/<architecture>/<substrate>/<protection-mode>/<name>`. */
export function fileSystemBackend(root: string, takeLock: TakeLock): Backend {
  const place = (chosen: Chosen, name: string): Place => ({ root, path: placeOf(chosen, name) });
  return {
    shown: 'file-system',
    placeOf: (chosen, name) => showPlace(place(chosen, name)),
    async push(chosen, files, signal) {
      using ready = new DisposableStack();
      const staged: Staged[] = [];
      for (const file of files) {
        const one = ready.use(await stage(place(chosen, file.name), file.content(signal), signal));
        if (one.digest !== file.digest) throw new PortkitError('PK2101', `${file.name} changed while it was pushed`);
        staged.push(one);
      }
      await publishSealed(staged, { folder: root, takeLock, signal });
    },
    pull: (chosen, name, signal) => openSealed(place(chosen, name), signal),
    examine: (chosen, name, signal) => examine(place(chosen, name), signal),
  };
}
