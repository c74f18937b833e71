import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import type { Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { agentPort } from './machine.ts';
import type { Channel } from './machine.ts';

/** A way to the agent that is being opened; to be opened before the machine starts. */
export interface OpenChannel {
  /** The stream, once there is somebody; rejects when the signal aborts. */
  readonly stream: Promise<Socket>;
  close(): void;
}

/** Opens the way to the agent. A failure later on is one of the stream. */
export async function openChannel(channel: Channel, signal: AbortSignal): Promise<OpenChannel> {
  const open = channel.kind === 'listen' ? await listen(channel.path, signal) : viaVsock(channel.path, signal);
  // Whoever ends the machine first never looks at it.
  open.stream.catch(() => undefined);
  return open;
}

async function listen(path: string, signal: AbortSignal): Promise<OpenChannel> {
  const server = createServer();
  server.listen(path);
  await once(server, 'listening', { signal });
  const stream = once(server, 'connection', { signal }).then(([socket]) => socket as Socket);
  return { stream, close: () => server.close() };
}

/** How long to wait before asking again for a guest that does not listen yet. */
const pauseMs = 50;

function viaVsock(path: string, signal: AbortSignal): OpenChannel {
  async function open(): Promise<Socket> {
    for (;;) {
      const socket = connect(path);
      // Until the handshake is done, an error means the same as an end: not yet.
      socket.on('error', () => undefined);
      if (await shakeHands(socket, signal)) return socket;
      socket.destroy();
      await sleep(pauseMs, undefined, { signal });
    }
  }
  return { stream: open(), close: () => undefined };
}

/** `CONNECT port` is answered with `OK number`, or by hanging up when nobody listens there. */
async function shakeHands(socket: Socket, signal: AbortSignal): Promise<boolean> {
  socket.write(`CONNECT ${agentPort}\n`);
  let said = '';
  while (said.length < 32) {
    const { promise, resolve } = Promise.withResolvers<undefined>();
    const wake = () => resolve(undefined);
    socket.once('readable', wake).once('close', wake);
    signal.addEventListener('abort', wake, { once: true });
    await promise;
    socket.off('readable', wake).off('close', wake);
    signal.removeEventListener('abort', wake);
    signal.throwIfAborted();
    if (socket.destroyed || socket.readableEnded) return false;
    // Byte by byte: what follows the line is the agent's.
    for (let byte = socket.read(1) as Buffer | null; byte !== null; byte = socket.read(1) as Buffer | null) {
      if (byte[0] === 10) return /^OK [0-9]+$/.test(said);
      said += byte.toString('latin1');
      if (said.length >= 32) return false;
    }
  }
  return false;
}
