import { chmodSync, existsSync, lstatSync, mkdirSync, readdirSync, readFileSync, realpathSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, relative } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Exporter } from './artifacts/exporter.ts';
import { canonicalJson } from './base/canonical.ts';
import { PortkitError } from './base/errors.ts';
import { createEngine } from './engine/engine.ts';
import type { Engine } from './engine/engine.ts';
import type { Executor } from './execution/executor.ts';
import type { Definition, FrontendContext } from './graph/frontend.ts';
import type { Unxz } from './formats/compression/decompress.ts';
import type { Graph } from './graph/graph.ts';
import type { KernelSource } from './kernels/inspect/open.ts';
import type { OpsWorld } from './ops/load-ops.ts';
import type { Pins } from './ops/fetch.ts';
import type { Lock, LockOptions } from './ops/lock.ts';
import type { OpFor } from './solver/op.ts';
import { createStatCache } from './store/host/stat-cache.ts';
import { takePath } from './store/host/take-path.ts';
import { openStore } from './store/open.ts';
import type { OpenOptions } from './store/open.ts';
import type { Store, StoreHost } from './store/store.ts';

/** Opens the store of a root for the user, clock and boot of this machine: the one place where a store meets the world. */
export function openStoreAt(root: string, options: OpenOptions = {}): Store {
  const uid = process.getuid?.();
  return openStore(root, storeHost(), uid === undefined ? options : { uid, ...options });
}

/** The world as the store sees it. */
function storeHost(): StoreHost {
  return {
    now: Date.now,
    monotonic: () => Number(process.hrtime.bigint() / 1_000_000n),
    bootId: readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim(),
  };
}

/** An engine over a store; `jobs` commands may run at once. */
export function engineOver(store: Store, jobs: number): Engine {
  return createEngine({
    store,
    limits: { cpu: jobs, io: 64, network: 6, none: 64 },
    wallClock: Date.now,
    now: () => performance.now(),
  });
}

/** What the steps of one definition are lent of this machine. */
export interface Surroundings {
  readonly store: Store;
  /** The definition's directory: local paths start there and stay there. */
  readonly directory: string;
  readonly outermost?: string;
  readonly pins?: Pins;
  readonly secrets: (name: string) => Uint8Array | undefined;
  readonly signal: AbortSignal;
}

/** The ops of a graph on this machine; what they start ends when they are disposed. */
export async function opsOf(graph: Graph, around: Surroundings): Promise<AsyncDisposable & { readonly opFor: OpFor }> {
  const { loadOps } = await import('./ops/load-ops.ts');
  const held = new AsyncDisposableStack();
  const types = new Set(graph.vertices.map(({ op }) => op.type));
  const world = await worldOf(types, around, held);
  const opFor = await loadOps(
    graph.vertices.map(({ op }) => op),
    world,
  );
  return { opFor, [Symbol.asyncDispose]: () => held.disposeAsync() };
}

async function worldOf(types: ReadonlySet<string>, around: Surroundings, held: AsyncDisposableStack): Promise<OpsWorld> {
  const { store, signal } = around;
  const { blobs } = store;
  const bounds = { directory: around.directory, ...(around.outermost !== undefined && { outermost: around.outermost }) };
  const path = process.env['PATH'] ?? '';
  const cacheFolder = (name: string): string => {
    const folder = join(store.directory, name);
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    return folder;
  };
  const pin = around.pins === undefined ? {} : { pin: around.pins };
  const wait = async (ms: number, stop: AbortSignal): Promise<void> => {
    await sleep(ms, undefined, { signal: stop });
  };
  const files = { blobs, unxz: lazyUnxz(path) };
  const statCache = createStatCache(join(store.directory, 'stat'));
  const needs = (type: string): boolean => types.has(type);
  const { runProgram } = needs('git') || needs('deb') ? await import('./ops/run-program.ts') : {};
  const { createHttpClient } = needs('fetch') ? await import('./ops/fetch/http.ts') : {};
  const { createHostTools } = needs('exec') ? await import('./execution/host-tools.ts') : {};
  const { resolveInside } = await import('./ops/inside.ts');
  return {
    files: () => files,
    local: () => ({
      ...bounds,
      snapshot: ({ path: taken, ...patterns }, stop) => takePath(taken, patterns, { store, cache: statCache, signal: stop }),
    }),
    fetch: () => ({
      ...files,
      http: held.use(required(createHttpClient)({ env: process.env })),
      scratch: cacheFolder('downloads'),
      ...pin,
      readKey: async (key) => readFileSync(await resolveInside(key, bounds)),
      bounds,
      now: Date.now,
      jitter: Math.random,
      sleep: wait,
    }),
    git: () => ({ ...bounds, blobs, run: required(runProgram), path, env: process.env, cache: cacheFolder('git') }),
    image: () => ({ ...bounds, ...files, platform: `linux/${process.arch === 'x64' ? 'amd64' : process.arch}` }),
    deb: () => ({
      ...files,
      ...pin,
      run: required(runProgram),
      path,
      env: process.env,
      state: cacheFolder('apt'),
      architecture: process.arch === 'x64' ? 'amd64' : process.arch,
      sleep: wait,
    }),
    ext4: () => ({ blobs, scratch: cacheFolder('images') }),
    exec: () => ({
      executor: lazyExecutor(store, signal, held),
      hostTools: required(createHostTools)(`${process.platform} ${process.arch}`),
      secrets: around.secrets,
      blobs,
    }),
  };
}

/** Programs are started by a module that takes as long to load as a small build. */
export function lazyUnxz(path: string): Unxz {
  return async function* unxz(input, signal) {
    const [{ runProgram }, { unxzWith }] = await Promise.all([import('./ops/run-program.ts'), import('./ops/unxz.ts')]);
    yield* unxzWith(runProgram, path)(input, signal);
  };
}

/** A kernel file of this machine. */
export async function kernelFile(path: string): Promise<KernelSource> {
  const { readRegularFile } = await import('./ops/regular-file.ts');
  return { content: readRegularFile(path, { shown: path, maxSize: 2 ** 36 }), unxz: lazyUnxz(process.env['PATH'] ?? '') };
}

function required<T>(value: T | undefined): T {
  if (value === undefined) throw new Error('A part was not loaded');
  return value;
}

/** The sandbox of this machine, with its helper process: started by the first command, so that a build of nothing starts none. */
function lazyExecutor(store: Store, signal: AbortSignal, held: AsyncDisposableStack): Executor {
  let made: Promise<Executor> | undefined;
  async function make(): Promise<Executor> {
    const [{ createSpawner }, { createLocalExecutor }] = await Promise.all([
      import('./execution/spawner.ts'),
      import('./execution/local.ts'),
    ]);
    const scratch = scratchFolder(store);
    makeScratch(scratch);
    const spawner = held.use(createSpawner({ folder: tmpdir() }));
    const folders = { scratch: join(scratch, 'work'), caches: join(scratch, 'caches') };
    const options = { store, spawner, folders, bwrap: findBwrap(), keepBytes: 2 ** 31 };
    return held.use(await createLocalExecutor(options, signal));
  }
  return { run: async (command, context) => (await (made ??= make())).run(command, context) };
}

/**
 * Where commands work: beside the store, which is on the same disk; but root's commands run as a stranger who has to be
 * able to get there, which a home folder does not allow.
 */
function scratchFolder(store: Store): string {
  const given = process.env['PORTKIT_SCRATCH'];
  if (given !== undefined && given !== '') return given;
  return process.getuid?.() === 0 ? '/var/tmp/portkit' : join(store.directory, 'scratch');
}

/** Commands have to be able to pass through it, whatever the umask; whether it is safe to use is the executor's to say. */
function makeScratch(folder: string): void {
  if (mkdirSync(folder, { recursive: true, mode: 0o711 }) !== undefined) chmodSync(folder, 0o711);
}

function findBwrap(): string {
  const folders = (process.env['PATH'] ?? '').split(':').filter((folder) => folder.startsWith('/'));
  const found = folders.map((folder) => join(folder, 'bwrap')).find((file) => lstatSync(file, { throwIfNoEntry: false }));
  if (found !== undefined) return found;
  throw new PortkitError('PK6901', 'bubblewrap is not installed: steps run in its sandbox', {
    hint: 'apt-get install -y bubblewrap',
  });
}

/** The ways out that a command line asks for, checked against the names of the targets before anything is built. */
export async function exportersOf(outputs: readonly string[], targets: readonly string[]): Promise<readonly Exporter[]> {
  if (outputs.length === 0) return [];
  const { exportersFor } = await import('../exporters/index.ts');
  const exporters = exportersFor(outputs, {
    directory: process.cwd(),
    isRoot: process.getuid?.() === 0,
    writeOut: (bytes) =>
      new Promise((resolve, reject) => {
        process.stdout.write(bytes, (error) => (error ? reject(error) : resolve()));
      }),
  });
  for (const exporter of exporters) exporter.check(targets);
  return exporters;
}

/** What a definition leaves open, as its lock (`portkit.lock` beside `portkit.toml`) decides it. */
export async function pinsOf(
  { file, graph }: { readonly file: string; readonly graph: Graph },
  options: LockOptions,
): Promise<Lock> {
  const { openLock, requirePins } = await import('./ops/lock.ts');
  const lock = openLock(file.replace(/\.[a-z]+$/, '.lock'), options);
  if (options.locked) requirePins(graph, lock);
  return lock;
}

/** The JSON Schema of definitions. */
export async function definitionSchema(): Promise<object> {
  return (await import('../frontends/index.ts')).definitionSchema();
}

/** A definition as it was understood. */
export interface ReadDefinition extends Definition {
  /** What its paths are relative to. */
  readonly directory: string;
  /** Keeps what was understood for the next time; called when there is a store. */
  readonly keep: () => void;
}

/** Reads a definition: its graph, and the directory it speaks of. */
export async function readDefinition(
  file: string,
  how: { readonly root: string; readonly set: Readonly<Record<string, string>>; readonly signal: AbortSignal },
): Promise<ReadDefinition> {
  const { set, signal } = how;
  const directory = dirname(file);
  const isProgram = /\.m?ts$/.test(file);
  const isText = isProgram || file.endsWith('.toml');
  const text = readOr(file, isText ? 'utf8' : 'latin1', (cause) => {
    throw new PortkitError('PK1111', `The definition ${file} cannot be read`, { hint: 'Name one with --file', cause });
  });
  const source = { text, path: relative(process.cwd(), file) || file };
  const context: FrontendContext = {
    set,
    signal,
    env: (name) => process.env[name],
    read: (path) => readBeside(directory, path),
  };
  const load = async (lent: FrontendContext): Promise<Definition> => {
    const { frontendFor } = await import('../frontends/index.ts');
    return (await frontendFor(file)).load(source, lent);
  };
  // A program may look at anything: it is run each time.
  if (isProgram) return { ...(await load(context)), directory, keep: () => undefined };
  const { understand } = await import('./engine/definition-cache.ts');
  const key = [codeVersion(), source.path, directory, text, canonicalJson(set)];
  const folder = join(how.root, 'v1', 'definitions');
  const { value, keep } = await understand({ folder, key, context, load });
  return { ...value, directory, keep };
}

/** What understands definitions: the version of the program, and when its files were last changed. */
function codeVersion(): string {
  const folders = [
    '../frontends/toml',
    '../frontends/toml/lower',
    '../frontends/toml/schema',
    './graph',
    './artifacts',
    './base',
  ];
  const files = folders.flatMap((folder) => {
    const url = new URL(`${folder}/`, import.meta.url);
    // In the bundle there are no such folders, and the one file stands for all.
    return existsSync(url) ? readdirSync(url).map((name) => new URL(name, url)) : [];
  });
  return JSON.stringify([new URL(import.meta.url), ...files].map((url) => [url.pathname, statSync(url).mtimeMs]));
}

/** A file of the definition's directory; one that only a symlink puts there is not read. */
function readBeside(directory: string, path: string): string | undefined {
  const file = join(directory, path);
  const real = existsSync(file) ? realpathSync(file) : file;
  if (!real.startsWith(`${realpathSync(directory)}/`)) return undefined;
  return readOr(file, 'utf8', () => undefined);
}

function readOr<T>(file: string, encoding: 'utf8' | 'latin1', otherwise: (cause: unknown) => T): string | T {
  try {
    return readFileSync(file, encoding);
  } catch (error) {
    return otherwise(error);
  }
}
