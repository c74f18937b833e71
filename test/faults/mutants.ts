import fs from 'node:fs';
import { registerHooks, syncBuiltinESMExports } from 'node:module';

/**
 * Deliberately broken stores, the controls of the harness: the same check that the sound store passes must fail on each.
 * A mutant patches `node:fs` as the store sees it, or changes the store's source while it is loaded; one whose place in
 * the source is gone throws, so that no control can quietly turn into the sound store.
 */
export const mutants = {
  'no sync': skipSyncs,
  'name before bytes': () => deferWrites(),
  'row before file': () => deferRenames(),
  'files left behind': () => patch({ unlinkSync: keepUnfinished(fs.unlinkSync) }),
  'lock kept': () =>
    rewrite(
      'disk/index-db.ts',
      /^( +)db\.exec\('COMMIT'\);$/m,
      "db.exec('COMMIT'); if (doing === 'publish a pack') new DatabaseSync(path).exec('BEGIN IMMEDIATE');",
    ),
  'full disk unnoticed': () => swallow(['writeSync'], ['ENOSPC']),
  'failed sync unnoticed': () => swallow(['fsyncSync', 'fdatasyncSync', 'fsync', 'fdatasync'], ['EIO']),
  'no error codes': () => rewrite('failure.ts', /(function storeFailure\(.*\{)$/m, '$1 return error;'),
  'no hash on read': () => rewrite('disk/read.ts', /!== row\.digest/g, '!== row.digest && row.size < 0'),
  'no healing': () => {
    rewrite('disk/read.ts', /(async function isSound\(.*\{)$/m, '$1 return true;');
    rewrite('disk/batch.ts', /(function isHere\(.*\{)$/m, '$1 return findRow(state.index, digest) !== undefined;');
  },
  'eras ignored': () => {
    rewrite('disk/leases.ts', /(function oldestEra\(.*\{)$/m, '$1 return Number.MAX_SAFE_INTEGER;');
    rewrite('disk/collect.ts', /row\.era !== marked\.era/, 'false');
  },
  'clock decides': () => rewrite('disk/collect.ts', /row\.era >= eras/, 'row.used >= state.host.now() - 60_000 || eras < 0'),
  'failed read is damage': () =>
    rewrite(
      'disk/read.ts',
      /(function unreadable\(.*\{)$/m,
      '$1 quarantine(state, row.digest, row); return corrupt(row.digest);',
    ),
  'roots ignored': () => rewrite('disk/collect.ts', /\.\.\.allTags\(state\)\.map\(\(tag\) => tag\.ref\), /, ''),
  'old pack first': () =>
    rewrite(
      'disk/compact.ts',
      /(state\.index\.write\('move blobs)/,
      "for (const pack of packs) toTrash(state.layout, join(state.layout.packs, pack.name + '.pack')); $1",
    ),
  'old journal first': () =>
    rewrite(
      'disk/rebuild.ts',
      /(appendRecords\(state, \[\.\.\.actions)/,
      'for (const name of old) toTrash(state.layout, join(state.layout.records, name)); $1',
    ),
  'orphans unseen': () => rewrite('disk/verify.ts', /, \.\.\.checkOrphanPacks\(state, repair\)/, ''),
  'verification blind': () => rewrite('disk/verify.ts', /(return \{ checked: .*), findings \}/, '$1, findings: [] }'),
  'nothing kept': () =>
    rewrite('disk/quarantine.ts', /renameSync\(path, freeName\(state, name\)\)/, "renameSync(path, path + '.lost')"),
  'records unchecked': () => rewrite('disk/records.ts', /if \(text\.slice\(end\) !== .*\) throw/, 'if (end < 0) throw'),
  'journal forgotten': () => rewrite('disk/records.ts', /(function appendRecords\(.*\{)$/m, '$1 if (lines.length > 0) return;'),
  /** The worker itself says that a thing is done before it is. */
  'early word': () => undefined,
} satisfies Readonly<Record<string, () => void>>;

/** The exit status of a worker whose mutant does not fit the store any more. */
export const staleMutant = 99;

/** The name of a broken store. */
export type Mutant = keyof typeof mutants;

/** Whether a word names a broken store. */
export function isMutant(name: string): name is Mutant {
  return Object.hasOwn(mutants, name);
}

/** Changes a source file of the store while it is loaded; nothing on disk changes. */
function rewrite(file: string, pattern: RegExp, replacement: string): void {
  registerHooks({
    load(url, context, next) {
      const loaded = next(url, context);
      if (!url.includes('/src/store/') || !url.endsWith(`/${file}`)) return loaded;
      const source = new TextDecoder().decode(typeof loaded.source === 'string' ? Buffer.from(loaded.source) : loaded.source);
      const changed = source.replace(pattern, replacement);
      if (changed === source) {
        console.error(`The mutant has no place in ${file} any more: ${String(pattern)}`);
        process.exit(staleMutant);
      }
      return { ...loaded, source: changed };
    },
  });
}

function patch(functions: object): void {
  Object.assign(fs, functions);
  syncBuiltinESMExports();
}

function skipSyncs(): void {
  const now = (): undefined => undefined;
  const later = (_fd: number, done: (error: null) => void): void => void setImmediate(done, null);
  patch({ fsyncSync: now, fdatasyncSync: now, fsync: later, fdatasync: later });
}

/** Unfinished files stay when their put fails. */
function keepUnfinished(remove: typeof fs.unlinkSync): typeof fs.unlinkSync {
  return (path) => {
    if (!/\/sessions\/s-[^/]+\/[0-9]+$/.test(String(path))) remove(path);
  };
}

/** Blobs and packs get their names only after their rows are committed and their puts are acknowledged. */
function deferRenames(): void {
  const { renameSync } = fs;
  patch({
    renameSync(from: string, to: string) {
      if (!isFinal(to)) return renameSync(from, to);
      const kept = `${from}.late`;
      renameSync(from, kept);
      setTimeout(renameSync, 1, kept, to);
    },
  });
}

/** A file's bytes are written only after it has its final name. */
function deferWrites(): void {
  const { openSync, writeSync, renameSync, closeSync } = fs;
  const paths = new Map<number, string>();
  const late = new Map<string, Uint8Array[]>();
  patch({
    openSync(path: string, flags: string | number, mode?: number) {
      const fd = openSync(path, flags, mode);
      if (String(flags).startsWith('wx') && path.includes('/sessions/')) paths.set(fd, path);
      return fd;
    },
    writeSync(fd: number, bytes: Uint8Array, from = 0) {
      const path = paths.get(fd);
      if (path === undefined) return writeSync(fd, bytes, from);
      late.set(path, [...(late.get(path) ?? []), Buffer.from(bytes.subarray(from))]);
      return bytes.length - from;
    },
    closeSync(fd: number) {
      paths.delete(fd);
      closeSync(fd);
    },
    renameSync(from: string, to: string) {
      renameSync(from, to);
      const chunks = late.get(from);
      if (chunks === undefined) return;
      setTimeout(() => {
        fs.chmodSync(to, 0o600);
        fs.writeFileSync(to, Buffer.concat(chunks));
      }, 1);
    },
  });
}

function isFinal(path: string): boolean {
  return path.includes('/v1/blobs/') || path.includes('/v1/packs/');
}

/** Takes some errors of some calls for success: what a missing check of a result does. */
function swallow(names: readonly string[], codes: readonly string[]): void {
  const isSwallowed = (error: unknown): boolean =>
    error instanceof Error && 'code' in error && codes.includes(String(error.code));
  const calls: Readonly<Record<string, unknown>> = { ...fs };
  for (const name of names) {
    const real = calls[name];
    if (typeof real !== 'function') throw new Error(`node:fs has no ${name}`);
    const now = (...args: unknown[]): unknown => {
      try {
        return Reflect.apply(real, fs, args);
      } catch (error) {
        if (!isSwallowed(error)) throw error;
        return args[1] instanceof Uint8Array ? args[1].length : undefined;
      }
    };
    const later = (fd: number, done: (error: unknown) => void): unknown =>
      Reflect.apply(real, fs, [fd, (error: unknown) => done(isSwallowed(error) ? null : error)]);
    patch({ [name]: name.endsWith('Sync') ? now : later });
  }
}
