import type { ClientRequest, IncomingMessage } from 'node:http';
import type { OnReadOpts, Socket } from 'node:net';
import type { Duplex } from 'node:stream';

/** Takes bytes at once: they are only there until it returns. */
export type Take = (bytes: Uint8Array) => void;

/** What connections read into while they speak, and while a body comes. */
const smallMemory = 1 << 16;
const largeMemory = 1 << 20;

/** Bytes that are worth a connection: it ends with a body that is taken from it, and another one has to be made then. */
const worthAConnection = 4 << 20;

/** Where the bytes of a connection go; undefined: to the parser of Node. */
interface Course {
  direct: Take | undefined;
}

const courses = new WeakMap<Duplex, Course>();

/**
 * Makes a connection that reads into the same memory again and again. Node would take new memory for every read, which
 * costs several times as much as reading does. Its stream is given copies, until a body is asked for without them.
 */
export function connectReusing(connect: (options: { readonly onread: OnReadOpts }) => Socket): Socket {
  const course: Course = { direct: undefined };
  let memory = Buffer.allocUnsafeSlow(smallMemory);
  const socket = connect({
    onread: {
      buffer() {
        if (course.direct !== undefined && memory.length === smallMemory) memory = Buffer.allocUnsafeSlow(largeMemory);
        return memory;
      },
      callback(count, bytes) {
        const read = bytes.subarray(0, count);
        if (course.direct === undefined) return socket.push(Buffer.from(read));
        course.direct(read);
        return true;
      },
    },
  });
  courses.set(socket, course);
  return socket;
}

/** A body that comes, and what it is an answer to. */
interface Coming {
  readonly request: ClientRequest;
  readonly response: IncomingMessage;
  /** What to throw for what became of the connection. */
  readonly failed: (error: unknown) => unknown;
}

/**
 * Gives the whole body to `take`, piece by piece. A body of a known size is taken from the connection itself, which ends
 * with it: nobody has parsed to its end. Rejects with what `take` throws, as it is.
 */
export async function receive({ request, response, failed }: Coming, take: Take): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const { socket } = response;
  const course = courses.get(socket);
  let left = response.headers['transfer-encoding'] === undefined ? Number(response.headers['content-length']) : Number.NaN;
  function accept(bytes: Uint8Array): void {
    const mine = bytes.length > left ? bytes.subarray(0, left) : bytes;
    left -= mine.length;
    try {
      take(mine);
    } catch (error) {
      reject(error);
      request.destroy();
    }
  }
  response.on('error', (error) => reject(failed(error)));
  response.on('close', () => reject(failed(undefined)));
  if (course === undefined || !(left > worthAConnection)) {
    response.on('end', resolve);
    response.on('data', accept);
    return promise;
  }
  // What has come already goes through the parser, as it began to.
  while (socket.read() !== null);
  for (let piece = read(response); piece !== undefined; piece = read(response)) accept(piece);
  if (left === 0) return resolve();
  course.direct = (bytes) => {
    accept(bytes);
    if (left > 0) return;
    resolve();
    request.destroy();
  };
  socket.resume();
  return promise;
}

function read(response: IncomingMessage): Uint8Array | undefined {
  const piece: unknown = response.read();
  return piece instanceof Uint8Array ? piece : undefined;
}
