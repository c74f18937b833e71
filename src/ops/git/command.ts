import { PortkitError } from '../../base/errors.ts';
import type { RunProgram } from '../run-program.ts';

/** What git is lent. */
export interface GitWorld {
  readonly run: RunProgram;
  /** Where programs are looked for (`PATH`). */
  readonly path: string;
  /** What git may see of the environment; only proxies and the agent of ssh are taken from it. */
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly signal: AbortSignal;
}

/** One call of git in a repository of ours. */
export interface GitCall {
  readonly repository: string;
  readonly args: readonly string[];
  readonly input?: AsyncIterable<Uint8Array>;
}

const passed = [
  'http_proxy',
  'https_proxy',
  'no_proxy',
  'all_proxy',
  'HTTPS_PROXY',
  'NO_PROXY',
  'ALL_PROXY',
  'SSH_AUTH_SOCK',
  'SSL_CERT_FILE',
  'SSL_CERT_DIR',
  'GIT_SSL_CAINFO',
];

/** Nothing outside decides what git does: no configuration, hooks, replacements, prompts, or transports that run programs. */
const always = {
  GIT_CONFIG_NOSYSTEM: '1',
  GIT_CONFIG_GLOBAL: '/dev/null',
  GIT_ATTR_NOSYSTEM: '1',
  GIT_NO_REPLACE_OBJECTS: '1',
  GIT_NO_LAZY_FETCH: '1',
  GIT_TERMINAL_PROMPT: '0',
  GIT_ASKPASS: '/bin/false',
  GIT_SSH_COMMAND: 'ssh -oBatchMode=yes',
  GIT_ALLOW_PROTOCOL: 'https:http:ssh:git:file',
  LC_ALL: 'C',
};

const settings = [
  'core.hooksPath=/dev/null',
  'core.fsmonitor=false',
  'core.symlinks=false',
  'protocol.ext.allow=never',
  'gc.auto=0',
  'maintenance.auto=false',
];

/** Starts git; its output has to be read to the end, then `finish` throws unless git did what it was told. */
export function startGit({ repository, args, input }: GitCall, { run, path, env, signal }: GitWorld) {
  const visible = Object.fromEntries(passed.flatMap((name) => (env[name] === undefined ? [] : [[name, env[name]]])));
  const { stdout, ended } = run({
    argv: ['git', '--git-dir', repository, ...settings.flatMap((setting) => ['-c', setting]), ...args],
    env: { ...visible, ...always, PATH: path },
    cwd: repository,
    signal,
    ...(input === undefined ? {} : { input }),
  });
  async function finish(): Promise<void> {
    const { status, stderr } = await ended;
    if (status !== 0) throw gitFailure(stderr);
  }
  return { stdout, finish };
}

/** The whole output of a short call of git. */
export async function git(call: GitCall, world: GitWorld): Promise<Buffer> {
  const { stdout, finish } = startGit(call, world);
  const output = Buffer.concat(await Array.fromAsync(stdout));
  await finish();
  return output;
}

const unreachable =
  /Could not resolve|Failed to connect|Couldn't connect|Connection (?:refused|timed out|reset)|unable to connect|Network is unreachable|timed out|Empty reply/i;

function gitFailure(stderr: string): PortkitError {
  const lines = stderr.split('\n').filter((line) => /^(?:fatal|error|remote|ssh):/.test(line));
  const said = (lines.length > 0 ? lines.join(' ') : stderr.trim()).slice(-500);
  if (!unreachable.test(stderr)) return new PortkitError('PK3209', `git says: ${said}`);
  return new PortkitError('PK3201', `git cannot reach the repository: ${said}`, {
    hint: 'Check the network and the proxy settings',
  });
}
