import { PortkitError } from '../../base/errors.ts';
import { parseStrictJson } from '../../formats/strict-json.ts';
import type { OpContext } from '../../solver/op.ts';

/** What a postprocessor that runs is listened to with. */
export interface Conversation {
  /** Takes what it writes, as it comes. */
  readonly output: OpContext['output'];
  /** Its result, once it has ended well; PK4105 when it said something else, or nothing. */
  readonly result: () => Readonly<Record<string, unknown>>;
}

/** The error for what the protocol does not allow. */
export function broken(why: string, cause?: unknown): PortkitError {
  return new PortkitError('PK4105', `The postprocessor breaks its protocol: ${why}`, {
    ...(cause !== undefined && { cause }),
    hint: 'One JSON object a line on standard output, the last with type "result"; everything else belongs on standard error',
  });
}

/** Bytes of one line that are read. */
const longestLine = 4 << 20;

/** Listens to a postprocessor: passes on what it logs and how far it is, and remembers its result or its first fault. */
export function listen({ output, transfer }: Pick<OpContext, 'output' | 'transfer'>): Conversation {
  let rest: Uint8Array[] = [];
  let size = 0;
  let result: Readonly<Record<string, unknown>> | undefined;
  let fault: PortkitError | undefined;

  function endLine(): void {
    const line = Buffer.concat(rest);
    [rest, size] = [[], 0];
    if (fault !== undefined || line.toString('latin1').trim() === '') return;
    try {
      take(messageIn(line));
    } catch (error) {
      if (!(error instanceof PortkitError)) throw error;
      fault = error;
    }
  }

  function take({ type, ...message }: Readonly<Record<string, unknown>>): void {
    if (result !== undefined) throw broken('it says more after its result');
    if (type === 'result') result = message;
    else if (type === 'log' && typeof message['message'] === 'string') output('stdout', Buffer.from(`${message['message']}\n`));
    else if (type === 'progress' && isCount(message['done'])) {
      const { done, total } = message;
      transfer(done, isCount(total) ? total : undefined);
    } else throw broken(`a line is no log, progress or result: ${JSON.stringify({ type, ...message }).slice(0, 200)}`);
  }

  function add(bytes: Uint8Array): void {
    size += bytes.length;
    if (size <= longestLine) rest.push(bytes);
    else {
      rest = [];
      fault ??= broken(`a line has more than ${longestLine} bytes`);
    }
  }

  return {
    output(stream, bytes) {
      if (stream === 'stderr') {
        output(stream, bytes);
        return;
      }
      let from = 0;
      for (let end = bytes.indexOf(10); end >= 0; end = bytes.indexOf(10, from)) {
        add(bytes.subarray(from, end));
        endLine();
        from = end + 1;
      }
      add(bytes.slice(from));
    },
    result() {
      endLine();
      if (fault !== undefined) throw fault;
      if (result === undefined) throw broken('it ended without a result');
      return result;
    },
  };
}

function messageIn(line: Uint8Array): Readonly<Record<string, unknown>> {
  const shown = JSON.stringify(Buffer.from(line).toString().slice(0, 200));
  let value: unknown;
  try {
    value = parseStrictJson(line, shown);
  } catch (error) {
    throw broken(`a line is no JSON: ${shown}`, error);
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw broken(`a line is no JSON object: ${shown}`);
  return Object.fromEntries(Object.entries(value));
}

function isCount(value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0;
}
