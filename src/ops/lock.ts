import { readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { isDigest } from '../base/digest.ts';
import { PortkitError, systemCode } from '../base/errors.ts';
import type { Graph } from '../graph/graph.ts';
import { showLocation } from '../graph/location.ts';
import type { Pins } from './fetch.ts';
import { parseSource } from './fetch/url.ts';
import { pinnedDigest } from './image/pin.ts';

/** What the definition leaves open, as it was decided: a file beside it that belongs into version control. */
export interface Lock extends Pins {
  /** Whether anything whose name begins like this (and ends there, or goes on with `:` or `=`) is pinned. */
  names(prefix: string): boolean;
  /** Writes what was pinned anew; a file that says the same already is left alone. */
  save(): void;
}

/** How a lock is used: `update` pins anew what the definition leaves open, `locked` refuses what is not pinned. */
export interface LockOptions {
  readonly update: boolean;
  readonly locked: boolean;
}

/** The lock in a file; without the file nothing is pinned yet. */
export function openLock(file: string, { update, locked }: LockOptions): Lock {
  if (update && locked) {
    throw new PortkitError('PK1004', '--update and --locked do not go together', { hint: 'Choose one' });
  }
  const before = readLock(file);
  const pins = new Map(before);
  const renewed = new Set<string>();
  return {
    // What is to be renewed is not known until it was renewed.
    get: (url) => (update && !renewed.has(url) ? undefined : pins.get(url)),
    ...(update && {
      set(url, digest) {
        pins.set(url, digest);
        renewed.add(url);
      },
    }),
    names: (prefix) => [...pins.keys()].some((name) => [`${prefix}:`, `${prefix}=`].some((start) => name.startsWith(start))),
    save() {
      if ([...pins].every(([url, digest]) => before.get(url) === digest)) return;
      const sorted = Object.fromEntries([...pins].toSorted(([a], [b]) => (a < b ? -1 : 1)));
      const unfinished = `${file}.${process.pid}.new`;
      try {
        writeFileSync(unfinished, `${JSON.stringify({ version: 1, pins: sorted }, null, 2)}\n`);
        renameSync(unfinished, file);
      } catch (cause) {
        rmSync(unfinished, { force: true });
        throw new PortkitError('PK3005', `The lock ${file} cannot be written`, { cause });
      }
    },
  };
}

/** For `--locked`: refuses a graph in which something is open, before any work. */
export function requirePins(graph: Graph, lock: Lock): void {
  const open = graph.vertices.filter(({ op }) => {
    if (op.type === 'fetch') return op.digest === undefined && lock.get(parseSource(op.url).url.href) === undefined;
    if (op.type === 'image') return op.layout === undefined && pinnedDigest(op, lock) === undefined;
    return op.type === 'deb' && op.packages.some(({ name, sha256 }) => sha256 === undefined && !lock.names(`deb:${name}`));
  });
  if (open.length === 0) return;
  const places = open.map(({ name, location }) => (location === undefined ? name : `${name} (${showLocation(location)})`));
  throw new PortkitError('PK3205', `Not pinned by the definition or its lock: ${places.join(', ')}`, {
    hint: 'Run once with --update, or write the digests into the definition',
  });
}

function readLock(file: string): ReadonlyMap<string, ReturnType<Pins['get']> & string> {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return new Map();
    throw new PortkitError('PK3005', `The lock ${file} cannot be read`, { cause: error });
  }
  const malformed = (cause?: unknown): PortkitError =>
    new PortkitError('PK3005', `The lock ${file} is malformed`, {
      hint: 'Restore it, or remove it and run with --update',
      cause,
    });
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw malformed(error);
  }
  if (typeof value !== 'object' || value === null || !('version' in value) || value.version !== 1) throw malformed();
  if (!('pins' in value) || typeof value.pins !== 'object' || value.pins === null) throw malformed();
  return new Map(
    Object.entries(value.pins).map(([url, digest]) => {
      if (typeof digest !== 'string' || !isDigest(digest)) throw malformed();
      return [url, digest];
    }),
  );
}
