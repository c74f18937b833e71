import { writeSync } from 'node:fs';
import { PortkitError, systemCode } from '../base/errors.ts';
import { systemReason } from '../base/system-reason.ts';

/** Where the lines of a command go. */
export interface Output {
  /** The result: the only thing that goes to standard output. */
  readonly print: (text: string) => void;
  /** Everything else; it never fails. */
  readonly note: (text: string) => void;
}

const pause = new Int32Array(new SharedArrayBuffer(4));

/**
 * The two streams of the process. They are written at once and not through `process.stdout`: a full disk is then an error
 * of the command that printed, nothing is left unwritten at the end, and the program starts sooner.
 */
export function processOutput(): Output {
  let readerLeft = false;
  return {
    print(text) {
      if (readerLeft) return;
      try {
        writeAll(1, `${text}\n`);
      } catch (error) {
        // A reader that left (`| head`) wanted no more; the exit status still says how the work went.
        readerLeft = systemCode(error) === 'EPIPE';
        if (!readerLeft) throw unwritten(error);
      }
    },
    note(text) {
      try {
        writeAll(2, `${printable(text)}\n`);
      } catch {
        // Nobody is left to be told.
      }
    },
  };
}

/** Writes all of it, waiting for a slow reader of a non-blocking pipe. */
export function writeAll(fd: number, text: string | Uint8Array): void {
  let rest = Buffer.from(text);
  while (rest.length > 0) {
    try {
      rest = rest.subarray(writeSync(fd, rest));
    } catch (error) {
      if (systemCode(error) !== 'EAGAIN') throw error;
      Atomics.wait(pause, 0, 0, 2);
    }
  }
}

/** Writes bytes to standard output as they are; a reader that leaves wants no more. */
export async function writeOut(content: AsyncIterable<Uint8Array>): Promise<void> {
  for await (const chunk of content) {
    try {
      writeAll(1, chunk);
    } catch (error) {
      if (systemCode(error) === 'EPIPE') return;
      throw unwritten(error);
    }
  }
}

function unwritten(cause: unknown): PortkitError {
  const code = systemCode(cause) ?? '';
  const full = ['ENOSPC', 'EDQUOT'].includes(code);
  return new PortkitError(
    full ? 'PK2007' : code === 'EPIPE' ? 'PK3406' : 'PK2009',
    `The result could not be written to standard output: ${systemReason(cause)}`,
    {
      hint: full ? 'Free space where the output goes, or send it elsewhere' : 'Check what standard output leads to',
      cause,
    },
  );
}

/** Messages may quote names from hostile places: what steers a terminal is shown as an escape instead. */
function printable(text: string): string {
  // oxlint-disable-next-line no-control-regex -- control characters are what this looks for
  return text.replaceAll(/[\0-\b\v-\x1f\x7f-\x9f]/g, (char) => `\\x${char.charCodeAt(0).toString(16).padStart(2, '0')}`);
}
