import { fieldsOf, pair, parseObject } from './auth-file.ts';
import type { Credential } from './credential.ts';
import { helperKey, hostOfKey } from './host.ts';

/** Runs a helper program with one verb and some input; rejects when there is no such program, or when it is stopped. */
type RunHelper = (call: {
  readonly program: string;
  readonly verb: 'get' | 'list';
  readonly input: string;
  readonly signal: AbortSignal;
}) => Promise<{
  readonly status: number | undefined;
  /** Undefined when it is more than is read of a helper. */
  readonly stdout: string | undefined;
}>;

/** How helpers are asked; what goes wrong with one is told and not thrown. */
export interface HelperWorld {
  readonly run: RunHelper;
  /** Milliseconds that one may take; half a minute when it is not said: some ask their user. */
  readonly patienceMs?: number;
  warn(message: string): void;
}

const nameForm = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/;
const defaultPatienceMs = 30_000;

/** What `docker-credential-NAME` has for a host. */
export async function askHelper(name: string, host: string, world: HelperWorld & At): Promise<Credential | undefined> {
  const stdout = await ask({ name, verb: 'get', input: helperKey(host) }, world);
  if (stdout === undefined) return undefined;
  const { Username: username, Secret: secret } = fieldsOf(parseObject(stdout));
  if (typeof username === 'string' && typeof secret === 'string') return pair(username, secret);
  world.warn(`docker-credential-${name} answers with something else than credentials`);
  return undefined;
}

/** The hosts that a helper has something for, and the users there. */
export async function listHelper(name: string, world: HelperWorld & At): Promise<ReadonlyMap<string, string>> {
  const stdout = await ask({ name, verb: 'list', input: '' }, world);
  const hosts = new Map<string, string>();
  for (const [key, username] of Object.entries(fieldsOf(parseObject(stdout ?? '{}')))) {
    const host = hostOfKey(key);
    if (host !== undefined && typeof username === 'string') hosts.set(host, username);
  }
  return hosts;
}

interface At {
  readonly signal: AbortSignal;
}

async function ask(
  { name, verb, input }: { name: string; verb: 'get' | 'list'; input: string },
  world: HelperWorld & At,
): Promise<string | undefined> {
  const { signal, patienceMs = defaultPatienceMs } = world;
  if (!nameForm.test(name)) {
    world.warn(`${JSON.stringify(name.slice(0, 70))} is no name of a credential helper`);
    return undefined;
  }
  const program = `docker-credential-${name}`;
  const limited = AbortSignal.any([signal, AbortSignal.timeout(patienceMs)]);
  try {
    const { status, stdout } = await world.run({ program, verb, input, signal: limited });
    if (stdout === undefined) {
      world.warn(`${program} says more than is read of it`);
      return undefined;
    }
    if (status === 0) return stdout;
    // The one thing that helpers say in a fixed way (docker-credential-helpers).
    if (!stdout.includes('credentials not found')) world.warn(`${program} fails with status ${status ?? 'none'}`);
  } catch {
    // What it says may hold what it was asked for.
    signal.throwIfAborted();
    world.warn(`${program} ${limited.aborted ? 'does not answer in time' : 'cannot be run'}`);
  }
  return undefined;
}
