import { closeSync, constants, fstatSync, lstatSync, openSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import type { Digest } from '../../base/digest.ts';
import { PortkitError } from '../../base/errors.ts';
import { syncDirectory, syncFile } from '../../store/disk/durable.ts';
import { digestOfFile, writeContent } from './content.ts';
import { onFile } from './failure.ts';
import { makeFolder, nameOf, showPlace } from './folder.ts';
import type { Place } from './folder.ts';
import { makeWork } from './work.ts';

/** What is known of a file. */
export interface FileFacts {
  readonly digest: Digest;
  readonly size: number;
}

/** A file that is whole and durable, and not yet visible. Disposing removes it unless it was published. */
export interface Staged extends FileFacts, Disposable {
  readonly place: Place;
  /** The folder of the place, links resolved. */
  readonly folder: string;
  /** Where the bytes are until they are published. */
  readonly path: string;
  /** Puts the file in its place, instead of what is there; durable when it returns. */
  publish(): void;
}

/** Writes a file beside its place. */
export function stage(place: Place, content: AsyncIterable<Uint8Array>, signal: AbortSignal): Promise<Staged> {
  return onFile('write', showPlace(place), async () => {
    signal.throwIfAborted();
    const folder = makeFolder(place);
    const work = makeWork(folder);
    const path = join(work.path, nameOf(place));
    try {
      const facts = await write(path, content, signal);
      return {
        ...facts,
        place,
        folder,
        path,
        publish() {
          const target = join(folder, nameOf(place));
          if (lstatSync(target, { throwIfNoEntry: false })?.isDirectory() === true) throw inTheWay(place);
          renameSync(path, target);
          syncDirectory(folder);
        },
        [Symbol.dispose]: () => work[Symbol.dispose](),
      };
    } catch (error) {
      work[Symbol.dispose]();
      throw error;
    }
  });
}

async function write(path: string, content: AsyncIterable<Uint8Array>, signal: AbortSignal): Promise<FileFacts> {
  const fd = openSync(path, constants.O_RDWR | constants.O_CREAT | constants.O_EXCL, 0o644);
  try {
    await writeContent(fd, content);
    await syncFile(fd);
    return { digest: await digestOfFile(fd, signal), size: fstatSync(fd).size };
  } finally {
    closeSync(fd);
  }
}

function inTheWay(place: Place): PortkitError {
  return new PortkitError('PK3912', `${showPlace(place)} is a directory, and a file is to go there`, { hint: 'Remove it' });
}
