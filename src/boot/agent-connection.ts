import type { Duplex } from 'node:stream';
import { PortkitError } from '../base/errors.ts';
import { printable } from '../base/printable.ts';

/** The keys of a request besides its id and op. */
type Request = Readonly<Record<string, string | number | readonly string[] | undefined>>;

/** An answer as it came: what is in it is checked by whoever uses it. */
export type Answer = Readonly<Record<string, unknown>>;

/** A conversation with the agent of a guest. */
export interface AgentConnection {
  /** Asks one thing; PK3804 when the agent refuses, PK3803 when it breaks the protocol, PK3808 when it leaves. */
  ask(op: string, request: Request, signal: AbortSignal): Promise<Answer>;
  /** Ends the conversation; what was not answered is rejected. */
  close(): void;
}

interface Waiting {
  readonly op: string;
  resolve(answer: Answer): void;
  reject(error: unknown): void;
}

/** More than the longest answer of protocol 1. */
const longestAnswer = 256 * 1024;

/** The agent on the other side of a stream, which it takes over. The guest is not trusted: not its answers, not their size. */
export function connectAgent(stream: Duplex): AgentConnection {
  const waiting = new Map<number, Waiting>();
  let last = 0;
  let ended: PortkitError | undefined;

  function end(why: string, code: 'PK3803' | 'PK3808', cause?: unknown): void {
    if (ended !== undefined) return;
    ended = new PortkitError(code, `The conversation with the agent ended: ${why}`, { cause });
    stream.destroy();
    for (const asked of waiting.values()) asked.reject(ended);
    waiting.clear();
  }

  function take(line: string): void {
    const answer = answerIn(line);
    const id = answer?.['id'];
    const asked = typeof id === 'number' ? waiting.get(id) : undefined;
    if (answer === undefined || asked === undefined)
      return end(`it sent ${shown(line)}, which answers nothing that was asked`, 'PK3803');
    waiting.delete(id as number);
    if (answer['error'] === undefined) return asked.resolve(answer);
    const words = shown(`${JSON.stringify(answer['message'])} (${JSON.stringify(answer['error'])})`);
    asked.reject(new PortkitError('PK3804', `The agent refuses ${asked.op}: ${words}`));
  }

  stream.on('error', (error) => end('the connection broke', 'PK3808', error));
  stream.on('close', () => end('the other side left', 'PK3808'));
  readLines(stream, { take, tooLong: () => end('an answer is longer than any can be', 'PK3803') });
  return {
    async ask(op, request, signal) {
      signal.throwIfAborted();
      if (ended !== undefined) throw ended;
      const id = (last += 1);
      const { promise, resolve, reject } = Promise.withResolvers<Answer>();
      const stop = () => {
        waiting.delete(id);
        reject(signal.reason);
        // The answer that comes now would answer nothing.
        end('a request was given up', 'PK3808');
      };
      signal.addEventListener('abort', stop, { once: true });
      waiting.set(id, { op, resolve, reject });
      stream.write(`${JSON.stringify({ id, op, ...request })}\n`);
      return promise.finally(() => signal.removeEventListener('abort', stop));
    },
    close: () => end('it was closed', 'PK3808'),
  };
}

function readLines(stream: Duplex, to: { take(line: string): void; tooLong(): void }): void {
  let rest = Buffer.alloc(0);
  stream.on('data', (chunk: Buffer) => {
    rest = Buffer.concat([rest, chunk]);
    for (let at = rest.indexOf(10); at >= 0 && !stream.destroyed; at = rest.indexOf(10)) {
      const line = rest.subarray(0, at).toString('utf8');
      rest = rest.subarray(at + 1);
      to.take(line);
    }
    if (rest.length > longestAnswer) to.tooLong();
  });
}

function answerIn(line: string): Answer | undefined {
  try {
    const value: unknown = JSON.parse(line);
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? { ...value } : undefined;
  } catch {
    return undefined;
  }
}

function shown(text: string): string {
  return printable(text.length > 200 ? `${text.slice(0, 200)}…` : text);
}
