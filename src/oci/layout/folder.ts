import { closeSync, constants, lstatSync, openSync, renameSync, rmSync } from 'node:fs';
import { copyFile, open } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { PortkitError, systemCode } from '../../base/errors.ts';
import { onFile } from '../../artifacts/copies/failure.ts';
import { makeFolder } from '../../artifacts/copies/folder.ts';
import { makeWork, sharedWork } from '../../artifacts/copies/work.ts';
import { takeLock } from '../../execution/lock.ts';
import { createDirectorySync, syncFile, writeFully } from '../../store/disk/durable.ts';
import type { WritableFiles } from './files.ts';
import { markedAsNeeded } from './held.ts';
import { layoutSource } from './source.ts';
import type { LayoutSource } from './files.ts';
import { layoutTarget } from './target.ts';
import type { LayoutTarget } from './target.ts';
import { createTurn } from './turn.ts';

const chunkSize = 1 << 18;
/** Stays where it is, so that nobody locks a file that another one is removing. */
const lockName = '.portkit-lock';

/** A layout folder to read. */
export function folderSource(directory: string): LayoutSource {
  return layoutSource(folderFiles(directory));
}

/** A layout folder to read and write; it is made when something is pushed. */
export function folderTarget(directory: string): LayoutTarget {
  return layoutTarget(markedAsNeeded(directory, folderFiles(directory)));
}

/** The files of a layout folder. A link in the place of one of its files or folders is refused (PK4002), never followed. */
export function folderFiles(directory: string): WritableFiles {
  const newFile = sharedWork(directory);
  const inTurn = createTurn();
  const syncFolder = createDirectorySync();
  const refuse = (path: string) =>
    new PortkitError('PK4002', `${path} of ${directory} is neither a file nor a folder of its own`);

  /** Whether the folders above a file are there, and are folders. */
  function hasFolders(path: string): boolean {
    for (const above of parents(path)) {
      const stat = lstatSync(join(directory, above), { throwIfNoEntry: false });
      if (stat === undefined) return false;
      if (!stat.isDirectory()) throw refuse(above);
    }
    return true;
  }

  return {
    shown: directory,
    size: (path) =>
      onFile('read', join(directory, path), () => {
        if (!hasFolders(path)) return undefined;
        const stat = lstatSync(join(directory, path), { throwIfNoEntry: false });
        if (stat !== undefined && !stat.isFile()) throw refuse(path);
        return stat?.size;
      }),
    async *open(path, signal) {
      const full = join(directory, path);
      await using handle = await onFile('read', full, () => {
        hasFolders(path);
        return open(full, constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOFOLLOW);
      });
      if (!(await handle.stat()).isFile()) throw refuse(path);
      for (let done = 0; ;) {
        signal.throwIfAborted();
        const { buffer, bytesRead } = await onFile('read', full, () =>
          handle.read(Buffer.allocUnsafe(chunkSize), 0, chunkSize, done),
        );
        if (bytesRead === 0) return;
        done += bytesRead;
        yield buffer.subarray(0, bytesRead);
      }
    },
    put: (path, content, signal) =>
      onFile('write', join(directory, path), async () => {
        makeFolder({ root: directory, path });
        if (!hasFolders(path)) throw refuse(path);
        using work = newFile();
        await write(work.path, content, signal);
        renameSync(work.path, join(directory, path));
        await syncFolder(dirname(join(directory, path)));
      }),
    adopt: (path, { asFile }) =>
      onFile('write', join(directory, path), () => {
        makeFolder({ root: directory, path });
        if (!hasFolders(path)) throw refuse(path);
        return asFile(directory, (file) =>
          onFile('write', join(directory, path), async () => {
            await moveIn(file, directory, path);
            await syncFolder(dirname(join(directory, path)));
          }),
        );
      }),
    remove: (path) =>
      onFile('remove', join(directory, path), () => {
        if (!hasFolders(path)) return false;
        const there = lstatSync(join(directory, path), { throwIfNoEntry: false }) !== undefined;
        rmSync(join(directory, path), { force: true });
        return there;
      }),
    alone: (work, signal) =>
      inTurn(async () => {
        using _ = await onFile('lock', join(directory, lockName), () => {
          makeFolder({ root: directory, path: lockName });
          const stat = lstatSync(join(directory, lockName), { throwIfNoEntry: false });
          // Ours is always empty. Content would be read as a database, with journals beside it that name other files.
          if (stat !== undefined && (!stat.isFile() || stat.size > 0)) throw refuse(lockName);
          return takeLock(join(directory, lockName), signal);
        });
        return await work();
      }),
  };
}

/** Moves a durable file to its place; what is one file system may still be two mounts, and is copied then. */
async function moveIn(file: string, directory: string, path: string): Promise<void> {
  const full = join(directory, path);
  try {
    renameSync(file, full);
  } catch (error) {
    if (systemCode(error) !== 'EXDEV') throw error;
    using work = makeWork(directory);
    const copied = join(work.path, 'content');
    await copyFile(file, copied, constants.COPYFILE_FICLONE | constants.COPYFILE_EXCL);
    await using handle = await open(copied, 'r+');
    await handle.sync();
    renameSync(copied, full);
  }
}

/** `a` and `a/b` of `a/b/c`. */
function parents(path: string): readonly string[] {
  const names = path.split('/').slice(0, -1);
  return names.map((_, at) => names.slice(0, at + 1).join('/'));
}

async function write(path: string, content: AsyncIterable<Uint8Array>, signal: AbortSignal): Promise<void> {
  const fd = openSync(path, constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL, 0o644);
  try {
    for await (const chunk of content) {
      signal.throwIfAborted();
      writeFully(fd, chunk);
    }
    await syncFile(fd);
  } finally {
    closeSync(fd);
  }
}
