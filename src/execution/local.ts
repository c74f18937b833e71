import { lstatSync, readFileSync, readlinkSync, writeFileSync } from 'node:fs';
import { constants } from 'node:os';
import { join } from 'node:path';
import { PortkitError } from '../base/errors.ts';
import { snapshot } from '../store/host/snapshot.ts';
import type { Store } from '../store/store.ts';
import { checkCommand } from './check-command.ts';
import { createCheckouts } from './checkouts.ts';
import { findControllers } from './control-groups.ts';
import type { Command, Ended, Executor } from './executor.ts';
import { keepLimits } from './limits.ts';
import { prepare } from './prepare.ts';
import type { Site } from './prepare.ts';
import { createPrograms } from './programs.ts';
import { createRedactor } from './redact.ts';
import { sandboxArguments } from './sandbox.ts';
import { seccompFilter } from './seccomp.ts';
import type { SpawnRequest } from './spawner-protocol.ts';
import { SpawnError } from './spawner.ts';
import type { SpawnContext, Spawner } from './spawner.ts';
import { nobodyElse, openWorkplace, prepareFolder, writeEtc } from './workplace.ts';

/** What the executor of this machine works with. */
export interface LocalExecutorOptions {
  readonly store: Pick<Store, 'blobs' | 'generation'>;
  readonly spawner: Spawner;
  readonly folders: {
    /** For what commands see while they run; when we are root, below folders that everybody may pass through. */
    readonly scratch: string;
    /** For caches that outlive commands. */
    readonly caches: string;
  };
  /** The absolute path of bubblewrap's program. */
  readonly bwrap: string;
  /** Bytes of checked-out inputs that are kept for another command of this executor. */
  readonly keepBytes: number;
}

/** Runs commands on this machine, each in a sandbox of its own. */
export async function createLocalExecutor(
  options: LocalExecutorOptions,
  signal: AbortSignal,
): Promise<Executor & AsyncDisposable> {
  const user = process.geteuid?.() === 0 ? nobodyElse : undefined;
  const programs = createPrograms(options.spawner);
  const filter = seccompFilter(process.arch);
  if (filter === undefined) throw new PortkitError('PK3106', `No system-call filter is known for ${process.arch}`);
  const caches = prepareFolder(options.folders.caches, user);
  const discard = (path: string): Promise<void> => programs.discard(path);
  const workplace = await openWorkplace(options.folders.scratch, { user, discard, signal });
  const filterFile = join(workplace.folder, 'filter');
  writeFileSync(filterFile, filter);
  const site: Site = {
    caches,
    controllers: findControllers(readFileSync('/proc/self/cgroup', 'utf8'), readFileSync('/proc/self/mountinfo', 'utf8')),
    user,
    workplace,
    programs,
    checkouts: createCheckouts({
      blobs: options.store.blobs,
      keepBytes: options.keepBytes,
      folder: workplace.folder,
      discard,
      giveAway: (path, signal) => (user === undefined ? Promise.resolve() : programs.giveAway(path, user, signal)),
    }),
    filter: filterFile,
    etc: writeEtc(workplace.folder),
    links: linksOfHost(),
  };
  return {
    run: (command, context) => run(options, site, { command, context }),
    [Symbol.asyncDispose]: () => workplace[Symbol.asyncDispose](),
  };
}

function linksOfHost(): Site['links'] {
  return ['bin', 'sbin', 'lib', 'lib32', 'lib64', 'libx32'].flatMap((name) => {
    const isLink = lstatSync(`/${name}`, { throwIfNoEntry: false })?.isSymbolicLink() === true;
    return isLink ? [{ name, target: readlinkSync(`/${name}`) }] : [];
  });
}

interface Run {
  readonly command: Command;
  readonly context: Parameters<Executor['run']>[1];
}

async function run(options: LocalExecutorOptions, site: Site, { command, context }: Run): Promise<Ended> {
  checkCommand(command);
  await using held = new AsyncDisposableStack();
  const { plan, descriptors } = await prepare(site, command, { held, signal: context.signal });
  const sandbox = Buffer.from(
    sandboxArguments(plan)
      .map((one) => `${one}\0`)
      .join(''),
  );
  const limits = keepLimits(site, command);
  held.use(limits.group);
  const bwrap = [options.bwrap, '--args', '3', '--'];
  const [program = '', ...rest] = [...limits.around, ...bwrap, ...limits.inside, ...command.argv];
  const request: SpawnRequest = {
    // The arguments go through a descriptor: a command line can be read by everybody, and they hold secret variables.
    argv: [program, ...rest],
    controlGroups: limits.group.procs,
    descriptors: [{ feed: sandbox.toString('base64') }, ...descriptors],
    ...(site.user === undefined ? {} : { user: site.user }),
    ...(command.timeoutMs === undefined ? {} : { timeoutMs: command.timeoutMs }),
  };
  const output = createOutput(command, context);
  const end = await options.spawner.run(request, { signal: context.signal, output: output.take }).catch((error: unknown) => {
    throw cannotStart(error, options.bwrap);
  });
  output.end();
  if (limits.group.outOfMemory()) return { how: 'out-of-memory' };
  if (end.timedOut) return { how: 'out-of-time' };
  if (end.signal !== null) return { how: 'signalled', signal: end.signal };
  if (!end.report.includes('"exit-code"')) return notStarted(output.firstErrors());
  if (end.status !== 0) return unsuccessful(end.status ?? 0);
  const { tree } = await snapshot(plan.out, options.store, { signal: context.signal });
  return { how: 'exited', status: 0, out: tree };
}

/** What the command writes, without its secrets; and the start of its errors, for when it is bwrap that speaks. */
function createOutput(
  { secrets }: Command,
  context: Run['context'],
): { readonly take: SpawnContext['output']; readonly end: () => void; readonly firstErrors: () => string } {
  const values = secrets.map(({ value }) => value);
  const errors: Uint8Array[] = [];
  const streams = {
    stdout: createRedactor(values, (bytes) => context.output('stdout', bytes)),
    stderr: createRedactor(values, (bytes) => {
      if (errors.length < 8) errors.push(bytes.slice(0, 1024));
      context.output('stderr', bytes);
    }),
  };
  return {
    take: (stream, bytes) => streams[stream].take(bytes),
    end() {
      streams.stdout.end();
      streams.stderr.end();
    },
    firstErrors: () => Buffer.concat(errors).toString().trim(),
  };
}

/** bwrap says "killed by signal N" as 128 + N, as shells do. */
function unsuccessful(status: number): Ended {
  const signal = Object.entries(constants.signals).find(([, number]) => number === status - 128);
  return signal === undefined ? { how: 'exited', status } : { how: 'signalled', signal: signal[0] };
}

/** bwrap's own words say whether the command asked for something that is not there, or the machine gives no sandbox. */
function notStarted(errors: string): Ended {
  // As shells say it; the words are in the output.
  if (/^bwrap: execvp /m.test(errors)) return { how: 'exited', status: 127 };
  if (/^bwrap: Can't (?:chdir|mkdir|create|bind|find|get type|open|remount)/m.test(errors)) {
    throw new PortkitError('PK3107', `The sandbox lacks a place that the command names: ${errors}`, {
      hint: 'The root is read-only: use a place below /tmp, /run, /in or /out, or one that the root has',
    });
  }
  throw new PortkitError('PK3106', `The sandbox could not be made: ${errors || 'bwrap said nothing'}`, {
    hint: 'The kernel, or the container around this, must let ordinary users make namespaces: see "portkit explain PK3106"',
  });
}

function cannotStart(error: unknown, bwrap: string): unknown {
  if (!(error instanceof SpawnError)) return error;
  if (error.code === 'ENOENT') {
    return new PortkitError('PK6901', `${bwrap} is not installed, and steps run in a sandbox only`, {
      hint: 'apt-get install -y bubblewrap',
      cause: error,
    });
  }
  if (error.code === 'E2BIG') {
    return new PortkitError('PK1003', 'An argument of the command is longer than the kernel takes', {
      hint: 'Give a long script as an input, and run that',
      cause: error,
    });
  }
  return new PortkitError('PK3106', `No command can be started: ${error.message}`, { cause: error });
}
