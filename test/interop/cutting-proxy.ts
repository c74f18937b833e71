import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import type { AddressInfo, Socket } from 'node:net';

/** Stands before a server, and cuts connections when it is told to. */
export interface CuttingProxy extends Disposable {
  /** `HOST:PORT`. */
  readonly host: string;
  /** How many connections were cut. */
  readonly cuts: number;
  /** Cuts the next connections, one after each of these numbers of bytes in that direction. */
  cut(direction: 'up' | 'down', after: readonly number[]): void;
}

/** Starts one on the loopback. */
export async function startCuttingProxy(target: string): Promise<CuttingProxy> {
  const [hostname = '', port = ''] = target.split(':');
  const waiting: Record<'up' | 'down', number[]> = { up: [], down: [] };
  const open = new Set<Socket>();
  let cuts = 0;
  const server = createServer((near) => {
    const far = connect(Number(port), hostname);
    for (const socket of [near, far]) {
      open.add(socket);
      socket.on('error', () => undefined);
      socket.on('close', () => {
        open.delete(socket);
        near.destroy();
        far.destroy();
      });
    }
    pass(near, far, waiting.up);
    pass(far, near, waiting.down);
  }).listen(0, '127.0.0.1');
  /** A request or answer that is longer than the next number is cut there. */
  function pass(from: Socket, to: Socket, after: number[]): void {
    let passed = 0;
    from.on('data', (chunk: Buffer) => {
      const limit = after[0];
      const left = limit === undefined ? chunk.length : Math.max(0, limit - passed);
      passed += chunk.length;
      if (chunk.length <= left) {
        to.write(chunk);
        return;
      }
      cuts += 1;
      after.shift();
      from.pause();
      to.write(chunk.subarray(0, left), () => from.destroy());
    });
  }
  await once(server, 'listening');
  return {
    host: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    get cuts() {
      return cuts;
    },
    cut: (direction, after) => void waiting[direction].push(...after),
    [Symbol.dispose]() {
      server.close();
      for (const socket of open) socket.destroy();
    },
  };
}
