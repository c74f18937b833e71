import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { byteString } from '../../base/byte-string.ts';
import { PortkitError } from '../../base/errors.ts';
import { compileGlob } from '../../store/host/glob.ts';
import { readRegularFile } from '../regular-file.ts';
import type { RunProgram } from '../run-program.ts';

/** A package as apt is asked for it. */
export interface AptPackage {
  readonly name: string;
  readonly version?: string;
  readonly architecture: string;
}

/** What apt is lent. */
export interface AptWorld {
  readonly run: RunProgram;
  /** Where programs are looked for (`PATH`). */
  readonly path: string;
  /** Only proxies, and `APT_CONFIG`, which names a configuration of the machine, are taken from it. */
  readonly env: Readonly<Record<string, string | undefined>>;
  /** A folder for apt's lists, ours alone: those of the machine are neither needed nor touched. */
  readonly state: string;
  /** Waits; rejects when the signal is aborted. */
  sleep(ms: number, signal: AbortSignal): Promise<void>;
}

const packageLimit = 8 * 2 ** 30;
/** Seconds to wait for another process that refreshes the lists. */
const lockWaits = 120;

/** No hook of the machine's configuration is run: they are for its own lists and packages. */
const ownRules = [
  ...['Pre-Invoke', 'Post-Invoke', 'Post-Invoke-Success'].map((hook) => `#clear APT::Update::${hook};`),
  '#clear DPkg::Pre-Invoke;',
  '#clear DPkg::Post-Invoke;',
  '#clear APT::Architectures;',
  'APT::Update::Error-Mode "any";',
  'Acquire::Languages "none";',
  // Sources that never answer are given up after two minutes, and not after ten.
  'Acquire::Retries "1";',
  'Acquire::http::Timeout "10";',
  'Acquire::https::Timeout "10";',
  'Dir::Cache::pkgcache "";',
  'Dir::Cache::srcpkgcache "";',
  '',
].join('\n');

/** Calls `take` with the bytes of a package that apt chose, found and verified by its signed lists, which are new when that is asked. */
export async function downloadPackage<T>(
  wanted: AptPackage,
  { world, signal, isNew = false }: { readonly world: AptWorld; readonly signal: AbortSignal; readonly isNew?: boolean },
  take: (content: AsyncIterable<Uint8Array>) => Promise<T>,
): Promise<T> {
  const state = await prepare(wanted.architecture, world);
  const folder = await mkdtemp(join(state, 'download-'));
  const call = { state, folder, architecture: wanted.architecture, world, signal };
  const version = wanted.version === undefined ? '' : `=${wanted.version}`;
  const download = ['download', `${wanted.name}:${wanted.architecture}${version}`];
  try {
    if (isNew) await refreshLists(call);
    // Lists of yesterday may name what the mirror no longer has.
    if ((await apt(download, call)) !== undefined) {
      await refreshLists(call);
      const problem = await apt(download, call);
      if (problem !== undefined) throw gone(wanted, problem) ?? failure(problem);
    }
    const [file, ...others] = (await readdir(folder)).filter((name) => name.endsWith('.deb'));
    if (file === undefined || others.length > 0)
      throw new PortkitError('PK3203', `apt did not give one package for ${wanted.name}`);
    return await take(readRegularFile(join(folder, file), { shown: `the package ${wanted.name}`, maxSize: packageLimit }));
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** The name of the one package that a package of today depends on and whose name matches a pattern. */
export async function findDependency(
  { name, depends, architecture }: AptPackage & { readonly depends: string },
  { world, signal }: { readonly world: AptWorld; readonly signal: AbortSignal },
): Promise<string> {
  const pattern = compileGlob(byteString(depends));
  const state = await prepare(architecture, world);
  const call = { state, folder: state, architecture, world, signal };
  await refreshLists(call);
  const { problem, output } = await run(['apt-cache', 'depends', '--important', `${name}:${architecture}`], call);
  if (problem !== undefined) throw gone({ name, architecture }, problem) ?? failure(problem);
  const named = [...output.matchAll(/^ *\|?(?:Pre)?Depends: ([^\s<>:]+)/gm)].map(([, one = '']) => one);
  const matching = [...new Set(named)].filter((one) => pattern.matches(byteString(one)));
  const [only, second] = matching;
  if (only !== undefined && second === undefined) return only;
  throw new PortkitError(
    'PK3812',
    `The package ${name} does not depend on one package ${JSON.stringify(depends.slice(0, 100))}`,
    {
      hint:
        matching.length === 0
          ? `It depends on ${named.slice(0, 8).join(', ') || 'nothing'}`
          : `It depends on ${matching.slice(0, 8).join(', ')}`,
    },
  );
}

/** The folder of apt for an architecture. */
async function prepare(architecture: string, world: AptWorld): Promise<string> {
  const state = join(world.state, architecture);
  for (const folder of ['lists/partial', 'archives/partial']) await mkdir(join(state, folder), { recursive: true, mode: 0o700 });
  await writeFile(join(state, 'rules'), ownRules);
  await writeFile(join(state, 'status'), '');
  return state;
}

interface AptCall {
  readonly state: string;
  readonly folder: string;
  readonly architecture: string;
  readonly world: AptWorld;
  readonly signal: AbortSignal;
}

async function refreshLists(call: AptCall): Promise<void> {
  for (let waits = 0; ; waits += 1) {
    const problem = await apt(['update'], call);
    if (problem === undefined) return;
    if (!/Could not get lock|Unable to lock/.test(problem) || waits === lockWaits) throw failure(problem);
    await call.world.sleep(1000, call.signal);
  }
}

const passed = ['http_proxy', 'https_proxy', 'no_proxy', 'APT_CONFIG'];

/** Runs apt-get; answers what it complained about, or undefined when it did what it was told. */
async function apt(args: readonly string[], call: AptCall): Promise<string | undefined> {
  return (await run(['apt-get', '-q', ...args], call)).problem;
}

/** No list of dependencies is longer. */
const keptOutput = 2 ** 20;

/** Runs a program of apt in our folders. */
async function run(
  [program = '', ...args]: readonly string[],
  { state, folder, architecture, world, signal }: AptCall,
): Promise<{ readonly problem: string | undefined; readonly output: string }> {
  const options = [
    `Dir::State=${state}`,
    `Dir::State::lists=${state}/lists`,
    `Dir::State::status=${state}/status`,
    `Dir::Cache=${state}`,
    `Dir::Cache::archives=${state}/archives`,
    `Dir::Log=${state}`,
    'APT::Sandbox::User=root',
    `APT::Architecture=${architecture}`,
    `APT::Architectures::=${architecture}`,
  ];
  const visible = Object.fromEntries(passed.flatMap((name) => (world.env[name] === undefined ? [] : [[name, world.env[name]]])));
  const { stdout, ended } = world.run({
    argv: [program, '-c', join(state, 'rules'), ...options.flatMap((option) => ['-o', option]), ...args],
    env: { ...visible, PATH: world.path, LC_ALL: 'C', DEBIAN_FRONTEND: 'noninteractive' },
    cwd: folder,
    signal,
  });
  let output = '';
  for await (const chunk of stdout) if (output.length < keptOutput) output += Buffer.from(chunk).toString('latin1');
  const { status, stderr } = await ended;
  return { problem: status === 0 ? undefined : stderr, output };
}

/** The error for a package, or a version of it, that the lists do not have. */
function gone({ name, version, architecture }: AptPackage, stderr: string): PortkitError | undefined {
  if (
    !/Unable to locate package|No packages found|was not found|no installation candidate|Can't find a source to download/.test(
      stderr,
    )
  )
    return undefined;
  const what = version === undefined ? '' : ` ${version}`;
  return new PortkitError('PK3812', `The sources of apt have no package ${name}${what} for ${architecture}, or no longer`, {
    hint: 'Mirrors only keep the newest: "portkit update" moves a pin of the lock; else name a package that they have',
  });
}

const unreachable =
  /Could not resolve|Temporary failure|Could not connect|Unable to connect|Connection (?:failed|refused|timed out)|Cannot initiate/;

function failure(stderr: string): PortkitError {
  const lines = stderr.split('\n').filter((line) => /^[EW]: /.test(line));
  const said = lines
    .map((line) => line.slice(3).replaceAll(/\/\/[^/@\s]*@/g, '//'))
    .join('; ')
    .slice(0, 500);
  if (unreachable.test(stderr)) {
    return new PortkitError('PK3201', `apt cannot reach its servers: ${said}`, {
      hint: 'Check the network and the proxy settings',
    });
  }
  return new PortkitError('PK3203', `apt cannot give the package: ${said}`, {
    hint: 'Mirrors only keep the newest versions: name one they have, or a snapshot of the archive in the sources of apt',
  });
}
