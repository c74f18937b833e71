import { homedir, tmpdir } from 'node:os';
import { PortkitError, systemCode } from './base/errors.ts';
import type { BootReport, BootTrial } from './boot/boot.ts';
import type { Exporter } from './artifacts/exporter.ts';
import type { Validator } from './artifacts/workflow/validator.ts';
import type { Workplace } from './artifacts/workflow/workplace.ts';
import { createEngine } from './engine/engine.ts';
import type { Engine } from './engine/engine.ts';
import type { Graph } from './graph/graph.ts';
import type { KernelSource } from './kernels/inspect/open.ts';
import type { CredentialSources } from './oci/credentials/find.ts';
import type { Lock, LockOptions, OpenStep } from './ops/lock.ts';
import { openStore } from './store/open.ts';
import type { OpenOptions } from './store/open.ts';
import type { Store } from './store/store.ts';
import { lazyUnxz } from './wiring/ops.ts';
import type { LoginTrial, Registries, RegistrySurroundings } from './wiring/registries.ts';

export { secretOf } from './ops/secret.ts';
export { readDefinition } from './wiring/definition.ts';
export type { ReadDefinition } from './wiring/definition.ts';
export type { Registries } from './wiring/registries.ts';
export { nativeArchitecture } from './wiring/native.ts';
export { lazyPacker, lazyUnxz, opsOf } from './wiring/ops.ts';

/** Opens the store of a root for the user and clock of this machine: the one place where a store meets the world. */
export function openStoreAt(root: string, options: OpenOptions = {}): Store {
  const uid = process.getuid?.();
  return openStore(root, { now: Date.now }, uid === undefined ? options : { uid, ...options });
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

/** Tries a machine with what this one has. */
export async function tryMachine(trial: BootTrial, signal: AbortSignal): Promise<BootReport> {
  return (await import('./wiring/boot.ts')).tryMachine(trial, signal);
}

/** A kernel file of this machine. */
export async function kernelFile(path: string): Promise<KernelSource> {
  const { readRegularFile } = await import('./ops/regular-file.ts');
  return { content: readRegularFile(path, { shown: path, maxSize: 2 ** 36 }), unxz: lazyUnxz(process.env['PATH'] ?? '') };
}

/** Where the variants of artifacts are worked on; connections to registries end when it is disposed. */
export async function workplaceOf(
  project: string,
  { signal, ...around }: RegistrySurroundings & Pick<Workplace, 'signal'>,
): Promise<Workplace & Disposable> {
  const { takeLock } = await import('./execution/lock.ts');
  const { openBackendRegistries } = await import('./wiring/backend-registries.ts');
  const registries = openBackendRegistries(around);
  return { project, takeLock, registries, signal, [Symbol.dispose]: () => registries[Symbol.dispose]() };
}

/** Where e2fsck and debugfs are looked for: the PATH of a user often lacks what root uses. */
export function judgesPath(): string {
  return [process.env['PATH'] ?? '', '/usr/sbin', '/sbin'].join(':');
}

/** The checks that look into the files of artifacts; what must be kept meanwhile is in TMPDIR. */
export async function validatorsIn(project: string): Promise<readonly Validator[]> {
  const { validatorsOver } = await import('./artifacts/validators/index.ts');
  const { runProgram } = await import('./ops/run-program.ts');
  return validatorsOver({
    project,
    scratch: tmpdir(),
    unxz: lazyUnxz(process.env['PATH'] ?? ''),
    run: runProgram,
    path: judgesPath(),
    openKernel: kernelFile,
  });
}

function writeToStandardOutput(bytes: Uint8Array): Promise<void> {
  const { stdout } = process;
  // A failure is told by the write that met it; without a listener it would end the process, too.
  if (stdout.listenerCount('error') === 0) stdout.on('error', () => undefined);
  return new Promise((resolve, reject) => {
    stdout.write(bytes, (error) => (error ? reject(error) : resolve()));
  });
}

/** The ways out of one build; their connections to registries end when it is disposed. */
export interface WaysOut extends Disposable {
  readonly exporters: readonly Exporter[];
}

/** The ways out that a command line asks for, checked against the names of the targets before anything is built. */
export async function exportersOf(
  outputs: readonly string[],
  targets: readonly string[],
  around: RegistrySurroundings,
): Promise<WaysOut> {
  const held = new DisposableStack();
  const done = (exporters: readonly Exporter[]): WaysOut => ({ exporters, [Symbol.dispose]: () => held.dispose() });
  if (outputs.length === 0) return done([]);
  let registries: Promise<Registries> | undefined;
  const [{ exportersFor }, { takeLock }] = await Promise.all([import('../exporters/index.ts'), import('./execution/lock.ts')]);
  const exporters = await exportersFor(outputs, {
    takeLock,
    openRepository: async (reference, transport) => {
      registries ??= openRegistries(around).then((one) => held.use(one));
      return (await registries).repository(reference, { access: 'push', ...(transport !== undefined && { transport }) });
    },
    directory: process.cwd(),
    isRoot: process.getuid?.() === 0,
    writeOut: writeToStandardOutput,
  });
  for (const exporter of exporters) exporter.check(targets);
  return done(exporters);
}

/** The registries as this machine reaches them; connections end when they are disposed. */
export async function openRegistries(around: RegistrySurroundings): Promise<Registries> {
  return (await import('./wiring/registries.ts')).openRegistries(around);
}

/** The folder of a store for what is still coming from registries; undefined where there can be none. */
export async function folderOfParts(root: () => string): Promise<string | undefined> {
  try {
    await using store = openStoreAt(root());
    return (await import('./wiring/registries.ts')).partsFolder(store.directory);
  } catch (error) {
    if (error instanceof PortkitError || systemCode(error) !== undefined) return undefined;
    throw error;
  }
}

/** Asks a registry whether it takes a credential. */
export async function tryLogin(trial: LoginTrial, signal: AbortSignal): Promise<void> {
  return (await import('./wiring/registries.ts')).tryLogin(trial, signal);
}

/** The places where this machine keeps credentials for registries. */
export async function credentialPlaces(warn: (message: string) => void): Promise<CredentialSources> {
  return (await import('./wiring/credentials.ts')).credentialSources({ env: process.env, home: homedir(), warn });
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

/** The steps among these whose content the lock decides. */
export async function openStepsOf(vertices: Graph['vertices']): Promise<readonly OpenStep[]> {
  return (await import('./ops/lock.ts')).openSteps(vertices);
}

/** The JSON Schema of definitions. */
export async function definitionSchema(): Promise<object> {
  return (await import('../frontends/index.ts')).definitionSchema();
}
