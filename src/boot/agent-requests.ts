import { PortkitError } from '../base/errors.ts';
import { printable } from '../base/printable.ts';
import type { AgentConnection, Answer } from './agent-connection.ts';

/** Who is asked, and until when. */
export interface Asking {
  readonly agent: AgentConnection;
  readonly signal: AbortSignal;
}

/** When things happened in a guest, in milliseconds of its own clock since it booted. */
export interface Hello {
  /** The first program of userspace; 0 when the agent is not the init. */
  readonly initMs: number;
  readonly readyMs: number;
}

/** Greets: the agent has to give the nonce back, so that no answer of an earlier guest is taken for its own. */
export async function hello({ agent, signal }: Asking, nonce: string): Promise<Hello> {
  const answer = await agent.ask('hello', { nonce }, signal);
  if (answer['nonce'] !== nonce) throw wrong('it did not give the nonce back');
  if (answer['protocol'] !== 1) throw wrong('it speaks another protocol than 1');
  return { initMs: numberIn(answer, 'init_ms'), readyMs: numberIn(answer, 'ready_ms') };
}

/** What a guest says about itself. */
export interface GuestInfo {
  readonly machine: string;
  readonly kernel: string;
  readonly cpus: number;
  readonly memory: number;
}

/** Asks what the guest is. */
export async function info({ agent, signal }: Asking): Promise<GuestInfo> {
  const answer = await agent.ask('info', {}, signal);
  return {
    machine: nameIn(answer, 'machine'),
    kernel: nameIn(answer, 'kernel'),
    cpus: numberIn(answer, 'cpus'),
    memory: numberIn(answer, 'memory'),
  };
}

/** The digest of a file as the guest reads it. */
export interface GuestDigest {
  readonly size: number;
  readonly sha256: string;
}

/** Asks for the digest of a file. */
export async function sha256({ agent, signal }: Asking, path: string): Promise<GuestDigest> {
  const answer = await agent.ask('sha256', { path }, signal);
  const digest = textIn(answer, 'sha256');
  if (!/^[0-9a-f]{64}$/.test(digest)) throw wrong('its digest is none');
  return { size: numberIn(answer, 'size'), sha256: digest };
}

/** What is at a path of a guest. */
export interface GuestStat {
  readonly type: string;
  readonly size: number;
  readonly mode: number;
  readonly target?: Buffer;
}

/** Asks what is at a path; a symlink is not followed. */
export async function stat({ agent, signal }: Asking, path: string): Promise<GuestStat> {
  const answer = await agent.ask('stat', { path }, signal);
  return {
    type: textIn(answer, 'type'),
    size: numberIn(answer, 'size'),
    mode: numberIn(answer, 'mode'),
    ...(answer['target'] !== undefined && { target: bytesIn(answer, 'target') }),
  };
}

/** The most that one read or write carries. */
const chunk = 32_768;

/** Reads a file that has at most `limit` bytes. */
export async function readGuestFile({ agent, signal }: Asking, path: string, limit: number): Promise<Buffer> {
  const parts: Buffer[] = [];
  let offset = 0;
  for (;;) {
    const answer = await agent.ask('read', { path, offset }, signal);
    const data = bytesIn(answer, 'data');
    offset += data.length;
    if (offset > limit) throw new PortkitError('PK3804', `The file ${path} of the guest has more than ${limit} bytes`);
    parts.push(data);
    if (data.length < chunk) return Buffer.concat(parts);
  }
}

/** Writes a whole file. */
export async function writeGuestFile({ agent, signal }: Asking, path: string, bytes: Uint8Array): Promise<void> {
  for (let at = 0; at === 0 || at < bytes.length; at += chunk) {
    const data = Buffer.from(bytes.subarray(at, at + chunk)).toString('base64');
    await agent.ask('write', at === 0 ? { path, data } : { path, data, offset: at }, signal);
  }
}

/** A command for the guest with its limits. */
export interface GuestCommand {
  readonly argv: readonly string[];
  readonly timeoutMs: number;
  /** The most bytes of each of its two streams. */
  readonly maxOutput: number;
}

/** How a command of the guest ended. */
export interface GuestResult {
  readonly status: number;
  /** The signal that ended it, or 0. */
  readonly signal: number;
  readonly timedOut: boolean;
  readonly truncated: boolean;
  readonly stdout: Buffer;
  readonly stderr: Buffer;
}

/** Runs a command in the guest. */
export async function runInGuest({ agent, signal }: Asking, command: GuestCommand): Promise<GuestResult> {
  const { argv, timeoutMs, maxOutput } = command;
  const answer = await agent.ask('exec', { argv, timeout_ms: timeoutMs, max_output: maxOutput }, signal);
  return {
    status: numberIn(answer, 'status'),
    signal: numberIn(answer, 'signal'),
    timedOut: numberIn(answer, 'timed_out') === 1,
    truncated: numberIn(answer, 'truncated') === 1,
    stdout: bytesIn(answer, 'stdout'),
    stderr: bytesIn(answer, 'stderr'),
  };
}

/** Ends the machine; outside of an init, the agent. */
export async function shutDown({ agent, signal }: Asking, how: 'power-off' | 'reboot'): Promise<void> {
  await agent.ask('shutdown', { how }, signal);
}

function numberIn(answer: Answer, key: string): number {
  const value = answer[key];
  if (typeof value === 'number' && Number.isSafeInteger(value) && value >= 0) return value;
  throw wrong(`its answer has no number ${key}`);
}

function textIn(answer: Answer, key: string): string {
  const value = answer[key];
  if (typeof value === 'string') return value;
  throw wrong(`its answer has no text ${key}`);
}

/** A short text that may be shown. */
function nameIn(answer: Answer, key: string): string {
  return printable(textIn(answer, key).slice(0, 100));
}

function bytesIn(answer: Answer, key: string): Buffer {
  return Buffer.from(textIn(answer, key), 'base64');
}

function wrong(why: string): PortkitError {
  return new PortkitError('PK3803', `The agent of the guest breaks the protocol: ${why}`);
}
