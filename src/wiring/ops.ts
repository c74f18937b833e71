import { chmodSync, lstatSync, mkdirSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { PortkitError } from '../base/errors.ts';
import type { Executor } from '../execution/executor.ts';
import type { Unxz } from '../formats/compression/decompress.ts';
import type { Graph } from '../graph/graph.ts';
import type { Pins } from '../ops/fetch.ts';
import type { OpsWorld } from '../ops/load-ops.ts';
import type { OpFor } from '../solver/op.ts';
import { createStatCache } from '../store/host/stat-cache.ts';
import { takePath } from '../store/host/take-path.ts';
import type { Store } from '../store/store.ts';

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
  const { loadOps } = await import('../ops/load-ops.ts');
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
  const { runProgram } = needs('git') || needs('deb') ? await import('../ops/run-program.ts') : {};
  const { createHttpClient } = needs('fetch') ? await import('../ops/fetch/http.ts') : {};
  const { createHostTools } = needs('exec') ? await import('../execution/host-tools.ts') : {};
  const { bootForStep } = needs('boot') ? await import('./boot.ts') : {};
  const { resolveInside } = await import('../ops/inside.ts');
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
    boot: () => ({ blobs, scratch: cacheFolder('images'), boot: required(bootForStep) }),
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
    const [{ runProgram }, { unxzWith }] = await Promise.all([import('../ops/run-program.ts'), import('../ops/unxz.ts')]);
    yield* unxzWith(runProgram, path)(input, signal);
  };
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
      import('../execution/spawner.ts'),
      import('../execution/local.ts'),
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
  const found = folders.map((folder) => join(folder, 'bwrap')).find(isThere);
  if (found !== undefined) return found;
  throw new PortkitError('PK6901', 'bubblewrap is not installed: steps run in its sandbox', {
    hint: 'apt-get install -y bubblewrap',
  });
}

/** Whether there is something at a path; a folder of PATH may be one that this user cannot look into. */
function isThere(file: string): boolean {
  try {
    return lstatSync(file, { throwIfNoEntry: false }) !== undefined;
  } catch {
    return false;
  }
}
