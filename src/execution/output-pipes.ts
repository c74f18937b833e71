import { constants, fchownSync, fstatSync, openSync, readSync, rmSync } from 'node:fs';
import { Socket } from 'node:net';
import { systemCode } from '../base/errors.ts';
import type { PipePair } from './spawner-protocol.ts';

/** The reading end of what a command writes to one of its streams. */
export interface OutputPipe extends Disposable {
  /** Gives a command's bytes to `take` as they come, until `finish` has taken the rest. */
  start(take: (bytes: Uint8Array) => void): void;
  /** To be called when no process is left that writes: takes what is still in the pipe. */
  finish(): void;
}

/** Opens both of a pair that the helper has open too, and takes their names away: nobody else can reach them. */
export function openPipes(
  { stdout, stderr }: PipePair,
  user: { readonly uid: number; readonly gid: number } | undefined,
): { readonly stdout: OutputPipe; readonly stderr: OutputPipe } {
  function open(path: string): OutputPipe {
    const fd = openSync(path, constants.O_RDWR | constants.O_NONBLOCK | constants.O_NOFOLLOW);
    if (!fstatSync(fd).isFIFO()) throw new Error(`${path} was replaced`);
    // A command may open /dev/stdout by name, which the kernel checks against the owner.
    if (user !== undefined) fchownSync(fd, user.uid, user.gid);
    rmSync(path);
    return createOutputPipe(fd);
  }
  return { stdout: open(stdout), stderr: open(stderr) };
}

function createOutputPipe(fd: number): OutputPipe {
  const socket = new Socket({ fd, readable: true, writable: false });
  let take: ((bytes: Uint8Array) => void) | undefined;
  socket.on('data', (chunk: Buffer) => take?.(chunk));
  socket.unref();
  return {
    start(taker) {
      take = taker;
      socket.ref();
    },
    finish() {
      const buffer = Buffer.allocUnsafe(65_536);
      for (let got = readNow(fd, buffer); got > 0; got = readNow(fd, buffer)) take?.(Uint8Array.from(buffer.subarray(0, got)));
      take = undefined;
      socket.unref();
    },
    [Symbol.dispose]: () => {
      socket.destroy();
    },
  };
}

function readNow(fd: number, buffer: Buffer): number {
  try {
    return readSync(fd, buffer);
  } catch (error) {
    if (systemCode(error) === 'EAGAIN') return 0;
    throw error;
  }
}
