import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { crc32 } from 'node:zlib';
import { digestOf, hexOf } from '../base/digest.ts';
import type { Digest } from '../base/digest.ts';
import type { FrontendContext } from '../graph/frontend.ts';

/** What a definition came out as, and how to keep that for the next time. */
export interface Understood<T> {
  readonly value: T;
  readonly keep: () => void;
}

/** One definition to understand. */
export interface Understanding<T> {
  /** Where what was understood is kept. */
  readonly folder: string;
  /** Everything that is known before: who reads it (a version), the text, where it is, the variables given. */
  readonly key: readonly string[];
  readonly context: FrontendContext;
  readonly load: (context: FrontendContext) => Promise<T>;
}

interface Kept<T> {
  /** Digests of the files and variables that were asked for, null for those that were not there. */
  readonly files: Readonly<Record<string, Digest | null>>;
  readonly variables: Readonly<Record<string, Digest | null>>;
  readonly value: T;
}

/**
 * Understands a definition, or remembers what the same text came out as while every file and variable it asks for is what it
 * was: parsing 10,000 steps takes longer than all else that a build of nothing does. Plain data only; files that are damaged
 * are passed over, and nothing is synced.
 */
export async function understand<T>({ folder, key, context, load }: Understanding<T>): Promise<Understood<T>> {
  const file = join(folder, hexOf(digestOf(JSON.stringify(['portkit definition 1', ...key]))));
  const known = readKept<T>(file);
  if (known !== undefined && isCurrent(known, context)) return { value: known.value, keep: () => undefined };
  const files: Record<string, Digest | null> = {};
  const variables: Record<string, Digest | null> = {};
  const value = await load({
    ...context,
    read(path) {
      const text = context.read(path);
      files[path] = seen(text);
      return text;
    },
    env(name) {
      const text = context.env(name);
      variables[name] = seen(text);
      return text;
    },
  });
  return { value, keep: () => writeKept(folder, file, { files, variables, value }) };
}

function seen(text: string | undefined): Digest | null {
  return text === undefined ? null : digestOf(text);
}

function isCurrent({ files, variables }: Kept<unknown>, context: FrontendContext): boolean {
  return (
    Object.entries(variables).every(([name, digest]) => seen(context.env(name)) === digest) &&
    Object.entries(files).every(([path, digest]) => seen(context.read(path)) === digest)
  );
}

function readKept<T>(file: string): Kept<T> | undefined {
  try {
    const bytes = readFileSync(file);
    if (bytes.readUInt32LE(0) !== crc32(bytes.subarray(4))) return undefined;
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- written below, and checked to be what was written
    return JSON.parse(bytes.toString('utf8', 4)) as Kept<T>;
  } catch {
    return undefined;
  }
}

function writeKept(folder: string, file: string, kept: Kept<unknown>): void {
  const text = Buffer.from(`    ${JSON.stringify(kept)}`);
  text.writeUInt32LE(crc32(text.subarray(4)), 0);
  const unfinished = `${file}.${process.pid}`;
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    writeFileSync(unfinished, text, { mode: 0o600 });
    renameSync(unfinished, file);
  } catch {
    rmSync(unfinished, { force: true });
  }
}
