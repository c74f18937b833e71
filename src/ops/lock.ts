import { readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { isDigest } from '../base/digest.ts';
import type { Digest } from '../base/digest.ts';
import { PortkitError, systemCode } from '../base/errors.ts';
import type { Graph, Vertex } from '../graph/graph.ts';
import type { OpSpec } from '../graph/ops.ts';
import { showLocation } from '../graph/location.ts';
import type { Pins } from './fetch.ts';
import { parseSource } from './fetch/url.ts';
import { pinNameOf, pinnedDigest } from './image/pin.ts';

/** What the definition leaves open, as it was decided: a file beside it that belongs into version control. */
export interface Lock extends Pins {
  /** Whether anything whose name begins like this (and goes on with `:`, `=` or `>`) is pinned. */
  names(prefix: string): boolean;
  /** What was pinned anew, and as what it was pinned before. */
  renewed(): readonly RenewedPin[];
  /** Writes what was pinned anew; a file that says the same already is left alone. */
  save(): void;
}

/** A pin that was set: its digests, and the name that it had before, when that is another. */
export interface RenewedPin {
  readonly name: string;
  readonly replaces?: string;
  readonly before?: Digest;
  readonly after: Digest;
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
  const old = readLock(file);
  const pins = new Map(old);
  /** What was pinned anew, and the name under which it was pinned before. */
  const renewed = new Map<string, string>();
  return {
    // What is to be renewed is not known until it was renewed.
    get: (url) => (update && !renewed.has(url) ? undefined : pins.get(url)),
    ...(update && {
      set(url, digest) {
        const replaced = [...pins.keys()].find(
          (name) => name !== url && standsFor(name) !== undefined && standsFor(name) === standsFor(url),
        );
        if (replaced !== undefined) pins.delete(replaced);
        pins.set(url, digest);
        renewed.set(url, replaced ?? url);
      },
    }),
    starting: (prefix) => [...pins.keys()].filter((name) => name.startsWith(prefix) && (!update || renewed.has(name))),
    names: (prefix) =>
      [...pins.keys()].some((name) => [`${prefix}:`, `${prefix}=`, `${prefix}>`].some((start) => name.startsWith(start))),
    renewed: () =>
      [...renewed]
        .toSorted(([a], [b]) => (a < b ? -1 : 1))
        .flatMap(([name, earlier]) => {
          const [before, after] = [old.get(earlier), pins.get(name)];
          if (after === undefined) return [];
          return [{ name, after, ...(earlier !== name && { replaces: earlier }), ...(before !== undefined && { before }) }];
        }),
    save() {
      if (pins.size === old.size && [...pins].every(([url, digest]) => old.get(url) === digest)) return;
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

/** Of `deb:NAME>CHOSEN:ARCHITECTURE`, for what something was chosen; of such names, the lock has one. */
function standsFor(name: string): string | undefined {
  const [, asked, architecture] = /^(deb:[^>]+>)[^>:]+(:[^:]+)$/.exec(name) ?? [];
  return asked === undefined ? undefined : `${asked}${architecture}`;
}

/** A step that the definition leaves open, for the lock to decide. */
export interface OpenStep {
  readonly vertex: Vertex;
  /** Whether it is what an entry of the lock is about. */
  covers(name: string): boolean;
}

/** The steps among these that leave something open. */
export function openSteps(vertices: readonly Vertex[]): readonly OpenStep[] {
  return vertices.flatMap((vertex) => {
    const { op } = vertex;
    if (op.type === 'fetch' && op.digest === undefined) {
      return [{ vertex, covers: (name: string) => name === parseSource(op.url).url.href }];
    }
    if (op.type === 'image' && op.layout === undefined && pinnedDigest(op, undefined) === undefined) {
      return [{ vertex, covers: (name: string) => name === pinNameOf(op) }];
    }
    const names = op.type === 'deb' ? op.packages.filter(({ sha256 }) => sha256 === undefined).map(({ name }) => name) : [];
    if (names.length === 0) return [];
    const begins = names.flatMap((name) => [`deb:${name}:`, `deb:${name}=`, `deb:${name}>`]);
    return [{ vertex, covers: (name: string) => begins.some((begin) => name.startsWith(begin)) }];
  });
}

/** For `--locked`: refuses a graph in which something is open, before any work. */
export function requirePins({ vertices }: Graph, lock: Lock): void {
  const open = openSteps(vertices).flatMap(({ vertex }) => {
    const { op } = vertex;
    const isPinned = pinnedBy(op, lock);
    return isPinned ? [] : [vertex];
  });
  if (open.length === 0) return;
  const places = open.map(({ name, location }) => (location === undefined ? name : `${name} (${showLocation(location)})`));
  throw new PortkitError('PK3205', `Not pinned by the definition or its lock: ${places.join(', ')}`, {
    hint: 'Run once with --update, or write the digests into the definition',
  });
}

function pinnedBy(op: OpSpec, lock: Lock): boolean {
  if (op.type === 'image') return pinnedDigest(op, lock) !== undefined;
  if (op.type === 'fetch') return lock.get(parseSource(op.url).url.href) !== undefined;
  return op.type === 'deb' && op.packages.every(({ name, sha256 }) => sha256 !== undefined || lock.names(`deb:${name}`));
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
