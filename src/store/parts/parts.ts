import { closeSync, constants, fstatSync, mkdirSync, openSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { digestOf } from '../../base/digest.ts';
import { systemCode } from '../../base/errors.ts';
import { writeFully } from '../disk/durable.ts';
import { coded, storeFailure } from '../disk/failure.ts';
import { growFile } from '../disk/growing-file.ts';
import type { GrowingFile } from '../disk/growing-file.ts';
import { createTurns } from '../disk/turns.ts';
import { sweep } from './sweep.ts';

export type { GrowingFile };

/** A blob that is still coming. What it has when it is disposed stays for whoever opens it next, unless it was removed. */
export interface Part extends AsyncDisposable {
  /** Where its bytes are, once it is begun. While it is open it is its opener's, to move it away, too. */
  readonly path: string;
  readonly size: number;
  /** What was said when it was begun; undefined when it is not begun. */
  readonly note: string | undefined;
  /** Begins it anew, with nothing in it. */
  begin(note: string): Promise<void>;
  /** Adds to it; the system brings that to the disk when it likes. */
  append(bytes: Uint8Array): void;
  /** Goes on with it as a file that is hashed and durable in the end; it grows in no other way from then on. */
  grow(expected: number): Promise<GrowingFile>;
  /** Nothing is left of it then; it can be begun again. */
  remove(): Promise<void>;
}

/** Blobs that are still coming, in a folder. */
export interface Parts extends Disposable {
  /** What there is under a name, or an empty part; undefined while somebody else has it. */
  open(name: string, signal: AbortSignal): Promise<Part | undefined>;
}

/** What is known of a part beside its bytes. */
interface Begun {
  /** Which beginning it is: part of the name of the file. */
  readonly number: number;
  readonly note: string;
}

/** Opens a folder of parts, which is made when it is not there; what is older than a week by `now` goes. */
export function openParts(folder: string, now: number): Parts {
  coded('make the folder of parts', () => mkdirSync(folder, { recursive: true, mode: 0o700 }));
  const turns = createTurns(join(folder, 'turns'));
  const busy = new Set<string>();
  coded('look through what is still coming', () => sweep(folder, { now, mayTake: (name) => turns.take(digestOf(name)) }));
  return {
    async open(name, signal) {
      if (busy.has(name)) return undefined;
      const turn = turns.take(digestOf(name));
      if (turn === undefined) return undefined;
      busy.add(name);
      const release = (): void => {
        busy.delete(name);
        turn[Symbol.dispose]();
      };
      try {
        return await openPart({ base: join(folder, name), signal, release });
      } catch (error) {
        release();
        throw storeFailure(error, doing);
      }
    },
    [Symbol.dispose]: () => turns[Symbol.dispose](),
  };
}

const doing = 'keep what has come';

/** The same file; what the disk says against it has a code. */
function codedFile(file: GrowingFile): GrowingFile {
  return {
    get size() {
      return file.size;
    },
    append: (bytes) => coded(doing, () => file.append(bytes)),
    finish: () =>
      file.finish().catch((error: unknown) => {
        throw storeFailure(error, doing);
      }),
    [Symbol.asyncDispose]: () => file[Symbol.asyncDispose](),
  };
}

interface Opening {
  readonly base: string;
  readonly signal: AbortSignal;
  readonly release: () => void;
}

async function openPart({ base, signal, release }: Opening): Promise<Part> {
  const fileOf = (number: number): string => `${base}.${number}.part`;
  let begun = readBegun(base);
  let fd = begun === undefined ? undefined : openFile(fileOf(begun.number));
  let size = fd === undefined ? 0 : fstatSync(fd).size;
  let file: GrowingFile | undefined;
  function descriptor(): number {
    if (fd === undefined) throw new Error('A part is begun before it grows');
    return fd;
  }
  function anew(note: string): number {
    if (begun !== undefined) rmSync(fileOf(begun.number), { force: true });
    begun = { number: (begun?.number ?? 0) + 1, note };
    writeFileSync(`${base}.new`, JSON.stringify(begun), { mode: 0o600 });
    renameSync(`${base}.new`, `${base}.json`);
    rmSync(fileOf(begun.number), { force: true });
    return openSync(fileOf(begun.number), 'wx+', 0o644);
  }
  async function close(): Promise<void> {
    await file?.[Symbol.asyncDispose]();
    if (fd !== undefined) closeSync(fd);
    [file, fd, size] = [undefined, undefined, 0];
  }
  return {
    get path() {
      return fileOf(begun?.number ?? 0);
    },
    get size() {
      return file?.size ?? size;
    },
    get note() {
      return fd === undefined ? undefined : begun?.note;
    },
    async begin(note) {
      await close();
      fd = coded(doing, () => anew(note));
    },
    append(bytes) {
      coded(doing, () => writeFully(descriptor(), bytes, size));
      size += bytes.length;
    },
    grow: async (expected) => (file ??= codedFile(await growFile(descriptor(), { expected, present: size, signal }))),
    async remove() {
      await close();
      if (begun !== undefined) rmSync(fileOf(begun.number), { force: true });
      begun = undefined;
      rmSync(`${base}.json`, { force: true });
    },
    async [Symbol.asyncDispose]() {
      await close();
      release();
    },
  };
}

function openFile(path: string): number | undefined {
  try {
    return openSync(path, constants.O_RDWR | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  } catch (error) {
    if (systemCode(error) === undefined) throw error;
    return undefined;
  }
}

/** What was noted; undefined when there is nothing, or nothing that was written here. */
function readBegun(base: string): Begun | undefined {
  try {
    const value: unknown = JSON.parse(readFileSync(`${base}.json`, 'utf8'));
    if (typeof value !== 'object' || value === null) return undefined;
    const isBegun = 'number' in value && Number.isSafeInteger(value.number) && 'note' in value && typeof value.note === 'string';
    return isBegun ? { number: Number(value.number), note: String(value.note) } : undefined;
  } catch (error) {
    if (systemCode(error) === undefined && !(error instanceof SyntaxError)) throw error;
    return undefined;
  }
}
