import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Unxz } from '../formats/compression/decompress.ts';
import type { Graph } from '../graph/graph.ts';
import { isPostprocess } from '../graph/postprocess-ops.ts';
import type { ExecWorld } from '../ops/exec.ts';
import type { Pins } from '../ops/fetch.ts';
import type { OpsWorld } from '../ops/load-ops.ts';
import { packerWith } from '../ops/packer.ts';
import type { Packer } from '../ops/packer.ts';
import type { OpFor } from '../solver/op.ts';
import { createStatCache } from '../store/host/stat-cache.ts';
import { takePath } from '../store/host/take-path.ts';
import type { Store } from '../store/store.ts';
import { localExecutor } from './executor.ts';
import type { Registries } from './registries.ts';

/** What the steps of one definition are lent of this machine. */
export interface Surroundings {
  readonly store: Store;
  /** The definition's directory: local paths start there and stay there. */
  readonly directory: string;
  readonly outermost?: string;
  readonly pins?: Pins;
  readonly secrets: (name: string) => Uint8Array | undefined;
  /** The version of portkit, as provenance tells it. */
  readonly version: string;
  /** Whether deployments are done; else they are refused. */
  readonly deploys?: boolean;
  /** Takes what is wrong with the credentials of other programs, when a registry is asked. */
  readonly warn: (message: string) => void;
  readonly signal: AbortSignal;
}

/** The ops of a graph on this machine; what they start ends when they are disposed. */
export async function opsOf(graph: Graph, around: Surroundings): Promise<AsyncDisposable & { readonly opFor: OpFor }> {
  const { loadOps } = await import('../ops/load-ops.ts');
  const held = new AsyncDisposableStack();
  const types = new Set(graph.vertices.map(({ op }) => op.type));
  const world = await worldOf(types, around, held);
  const specs = graph.vertices.map(({ op }) => op);
  const opFor = await loadOps(
    specs.filter((op) => !isPostprocess(op)),
    world,
  );
  const postprocessors = specs.filter(isPostprocess);
  if (postprocessors.length === 0) return { opFor, [Symbol.asyncDispose]: () => held.disposeAsync() };
  const { loadPostprocessors } = await import('../postprocessors/load-postprocessors.ts');
  const { postprocessWorld } = await import('./postprocess.ts');
  const postprocessorFor = await loadPostprocessors(
    postprocessors,
    postprocessWorld(around, { ...world.files(), exec: world.exec, scratch: () => world.ext4().scratch }),
  );
  return {
    opFor: (vertex) => (isPostprocess(vertex.op) ? postprocessorFor(vertex.op) : opFor(vertex)),
    [Symbol.asyncDispose]: () => held.disposeAsync(),
  };
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
  const files = { blobs, unxz: lazyUnxz(path), packer: lazyPacker(path) };
  const statCache = createStatCache(join(store.directory, 'stat'));
  const needs = (type: string): boolean => types.has(type);
  const programs = ['git', 'deb', 'squashfs', 'erofs', 'vfat'];
  const { runProgram } = programs.some(needs) ? await import('../ops/run-program.ts') : {};
  const { createHttpClient } = needs('fetch') ? await import('../ops/fetch/http.ts') : {};
  const { openParts } = needs('fetch') ? await import('../store/parts/parts.ts') : {};
  const { createHostTools } = ['exec', 'external', 'deploy'].some(needs) ? await import('../execution/host-tools.ts') : {};
  const { bootForStep } = needs('boot') ? await import('./boot.ts') : {};
  let registries: Promise<Registries> | undefined;
  const { resolveInside } = await import('../ops/inside.ts');
  let commands: ExecWorld | undefined;
  return {
    files: () => files,
    local: () => ({
      ...bounds,
      snapshot: ({ path: taken, ...patterns }, stop) => takePath(taken, patterns, { store, cache: statCache, signal: stop }),
    }),
    fetch: () => ({
      ...files,
      http: held.use(required(createHttpClient)({ env: process.env })),
      parts: held.use(required(openParts)(cacheFolder('downloads'), Date.now())),
      ...pin,
      readKey: async (key) => readFileSync(await resolveInside(key, bounds)),
      bounds,
      now: Date.now,
      jitter: Math.random,
      sleep: wait,
    }),
    git: () => ({ ...bounds, blobs, run: required(runProgram), path, env: process.env, cache: cacheFolder('git') }),
    image: () => ({
      ...bounds,
      ...files,
      ...pin,
      openRepository: async (reference, transport) => {
        registries ??= import('./registries.ts').then(({ openRegistries, partsFolder }) => {
          const folder = () => Promise.resolve(partsFolder(store.directory));
          return held.use(openRegistries({ warn: around.warn, folder, isDefined: true }));
        });
        return (await registries).repository(reference, { access: 'pull', ...(transport !== undefined && { transport }) });
      },
      platform: `linux/${process.arch === 'x64' ? 'amd64' : process.arch}`,
    }),
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
    mkfs: () => ({ blobs, run: required(runProgram), path, scratch: cacheFolder('images') }),
    exec: () =>
      (commands ??= {
        executor: held.use(localExecutor(store, signal)),
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

/** The packer of this machine; programs are started by a module that takes long to load. */
export function lazyPacker(path: string): Packer {
  return packerWith(async () => (await import('../ops/run-program.ts')).runProgram, path);
}

function required<T>(value: T | undefined): T {
  if (value === undefined) throw new Error('A part was not loaded');
  return value;
}
