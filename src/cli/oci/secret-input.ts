import { createInterface } from 'node:readline/promises';
import { Writable } from 'node:stream';
import { PortkitError } from '../../base/errors.ts';
import { Secret } from '../../oci/credentials/credential.ts';

/** More than any password or token has. */
const mostBytes = 64 * 1024;

/** A secret that is all of standard input, without the end of its line. */
export async function secretFromInput(signal: AbortSignal): Promise<Secret> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  const stop = () => process.stdin.destroy();
  signal.addEventListener('abort', stop, { once: true });
  for await (const chunk of process.stdin) {
    size += (chunk as Buffer).length;
    if (size > mostBytes) throw new PortkitError('PK4041', 'Standard input has more bytes than a password or token');
    chunks.push(chunk as Buffer);
  }
  signal.throwIfAborted();
  return checked(Buffer.concat(chunks).toString('utf8').replace(/\n$/, '').replace(/\r$/, ''));
}

/** A secret that is typed at the terminal, where it is not shown. */
export async function secretFromTerminal(question: string, signal: AbortSignal): Promise<Secret> {
  const unseen = new Writable({ write: (_chunk, _encoding, done) => done() });
  using lines = linesOf(unseen);
  // Only now: what is typed at the question must not be shown by the terminal either.
  process.stderr.write(question);
  try {
    return checked(await lines.next('', signal));
  } finally {
    process.stderr.write('\n');
  }
}

/** A line that is typed at the terminal. */
export async function lineFromTerminal(question: string, signal: AbortSignal): Promise<string> {
  using lines = linesOf(process.stderr);
  return await lines.next(question, signal);
}

function linesOf(output: NodeJS.WritableStream): Disposable & { next(question: string, signal: AbortSignal): Promise<string> } {
  const lines = createInterface({ input: process.stdin, output, terminal: true, historySize: 0 });
  const { promise: closed, reject } = Promise.withResolvers<never>();
  closed.catch(() => undefined);
  lines.once('close', () => reject(new PortkitError('PK4041', 'Nothing was typed')));
  // The terminal is in raw mode and sends no signal by itself.
  lines.on('SIGINT', () => process.kill(process.pid, 'SIGINT'));
  return {
    next: (question, signal) => Promise.race([lines.question(question, { signal }), closed]),
    [Symbol.dispose]: () => lines.close(),
  };
}

/** What is wrong with a secret is told without it. */
function checked(text: string): Secret {
  if (text === '') throw new PortkitError('PK4041', 'The password or token is empty');
  // oxlint-disable-next-line no-control-regex -- control characters are what this is about
  if (!/[\0-\x1f\x7f\ufffd]/.test(text)) return new Secret(text);
  throw new PortkitError('PK4041', 'The password or token has more than one line, or is no text');
}
