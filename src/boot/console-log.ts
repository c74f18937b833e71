import { open as openFile } from 'node:fs/promises';
import { PortkitError } from '../base/errors.ts';
import { printable } from '../base/printable.ts';

/** The console of a machine while it is written down. */
export interface ConsoleLog {
  /** Resolves when the console has ended and the file is complete. */
  readonly ended: Promise<void>;
  /** Whether the machine has said anything. */
  saidAnything(): boolean;
  /** Whether this was among the last things said. */
  said(text: string): boolean;
  /** Its last lines, as a terminal may show them: up to the panic, if there was one. */
  lastLines(): readonly string[];
}

/** A guest may write without end: so much of it is kept in the file. */
const mostBytes = 16 * 2 ** 20;
const keptText = 8192;

/** What a console is written to. */
interface ConsoleSink {
  write(bytes: Uint8Array): Promise<void>;
  close(): Promise<void>;
}

/** Where a console is written down, opened when there is one; `shown` is how people are told of it. */
export interface ConsoleTarget {
  readonly shown: string;
  open(): Promise<ConsoleSink>;
}

/** A file as the place of a console; PK3406 when it cannot be made. */
export function consoleFile(path: string): ConsoleTarget {
  async function open(): Promise<ConsoleSink> {
    try {
      const file = await openFile(path, 'w', 0o600);
      return { write: (bytes) => file.writeFile(bytes), close: () => file.close() };
    } catch (cause) {
      throw new PortkitError('PK3406', `The console log ${path} cannot be made`, { cause });
    }
  }
  return { shown: path, open };
}

/** Writes a console down, closes what it is written to, and keeps its end at hand. The console is read to its end in any case. */
export function followConsole(console: AsyncIterable<Uint8Array>, sink: ConsoleSink): ConsoleLog {
  let last = '';
  let size = 0;
  async function follow(): Promise<void> {
    let failure: unknown;
    try {
      for await (const chunk of console) {
        last = `${last}${Buffer.from(chunk).toString('latin1')}`.slice(-keptText);
        const kept = chunk.subarray(0, Math.max(0, mostBytes - size));
        size += chunk.length;
        if (kept.length > 0 && failure === undefined) await sink.write(kept).catch((error: unknown) => (failure = error));
      }
    } finally {
      await sink.close();
    }
    if (failure !== undefined) throw new PortkitError('PK3406', 'The console log cannot be written', { cause: failure });
  }
  const ended = follow();
  // It is awaited when the machine has ended, which may be later.
  ended.catch(() => undefined);
  return {
    ended,
    saidAnything: () => last.trim() !== '',
    said: (text) => last.includes(text),
    lastLines: () => linesOf(Buffer.from(last, 'latin1').toString('utf8')),
  };
}

const shownLines = 8;

function linesOf(text: string): readonly string[] {
  const lines = withoutEscapes(text)
    .split(/[\r\n]+/)
    .map((line) => printable(line).trimEnd())
    .filter((line) => line !== '');
  const panic = lines.findLastIndex((line) => line.includes('Kernel panic'));
  // Behind the panic there is only where in the kernel it was.
  const end = panic < 0 ? lines.length : panic + 1;
  return lines.slice(Math.max(0, end - shownLines), end);
}

/** Firmware moves the cursor about; without its sequences the words remain. */
function withoutEscapes(text: string): string {
  // oxlint-disable-next-line no-control-regex -- escape sequences begin with a control character
  return text.replaceAll(/\x1b(?:\[[0-9;?=]*[A-Za-z]|c)/g, '');
}
