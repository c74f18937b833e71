import { fork } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { openPipes } from './output-pipes.ts';
import type { OutputPipe } from './output-pipes.ts';
import type { FromHelper, SpawnEnd, SpawnRequest, ToHelper } from './spawner-protocol.ts';

/** Runs programs from a small process of its own, whose cost of starting one does not grow with our heap. */
export interface Spawner extends AsyncDisposable {
  /**
   * Resolves when nothing of the program's tree is left (for a sandboxed one). An abort kills the tree, waits for that, and
   * throws the signal's reason.
   */
  run(request: SpawnRequest, context: SpawnContext): Promise<SpawnEnd>;
}

/** What goes on around a run. */
export interface SpawnContext {
  readonly signal: AbortSignal;
  readonly output: (stream: 'stdout' | 'stderr', bytes: Uint8Array) => void;
}

/** A program that could not be started; `code` is the system's. */
export class SpawnError extends Error {
  override readonly name = 'SpawnError';
  readonly code: string;
  constructor(code: string, message: string) {
    super(message);
    this.code = code;
  }
}

interface Slot {
  readonly id: number;
  readonly stdout: OutputPipe;
  readonly stderr: OutputPipe;
}

interface Helper {
  readonly process: ChildProcess;
  /** Sends a question and gives its answer. */
  ask(id: number, message: ToHelper): Promise<FromHelper>;
  readonly slots: { readonly free: Slot[]; readonly all: Slot[] };
}

/** Starts the helper now, so that its start-up overlaps with other work; `folder` is for names that live for an instant. */
export function createSpawner({ folder }: { readonly folder: string }): Spawner {
  let helper: Helper | undefined = startHelper(forget);
  let lastId = 0;
  function forget(): void {
    helper = undefined;
  }

  async function slotFor(helper: Helper, user: SpawnRequest['user']): Promise<Slot> {
    const free = helper.slots.free.pop();
    if (free !== undefined) return free;
    const id = (lastId += 1);
    const names = mkdtempSync(join(folder, 'pipes-'));
    try {
      const pipes = { stdout: join(names, 'out'), stderr: join(names, 'err') };
      expectType(await helper.ask(id, { type: 'pipes', id, pipes }), 'ready');
      const slot = { id, ...openPipes(pipes, user) };
      helper.slots.all.push(slot);
      return slot;
    } finally {
      rmSync(names, { recursive: true });
    }
  }

  return {
    async run(request, context) {
      const { signal } = context;
      signal.throwIfAborted();
      const here = (helper ??= startHelper(forget));
      const slot = await slotFor(here, request.user);
      const id = (lastId += 1);
      function stop(): void {
        here.process.send({ type: 'kill', id } satisfies ToHelper);
      }
      try {
        signal.throwIfAborted();
        slot.stdout.start((bytes) => context.output('stdout', bytes));
        slot.stderr.start((bytes) => context.output('stderr', bytes));
        signal.addEventListener('abort', stop, { once: true });
        const end = expectType(await here.ask(id, { type: 'run', id, pipes: slot.id, request }), 'ended');
        slot.stdout.finish();
        slot.stderr.finish();
        signal.throwIfAborted();
        return end;
      } finally {
        signal.removeEventListener('abort', stop);
        here.slots.free.push(slot);
      }
    },
    async [Symbol.asyncDispose]() {
      const ending = helper?.process;
      if (ending === undefined) return;
      const { promise, resolve } = Promise.withResolvers<void>();
      ending.ref();
      ending.once('exit', () => resolve());
      if (ending.connected) ending.disconnect();
      await promise;
    },
  };
}

function expectType<T extends FromHelper['type']>(message: FromHelper, type: T): Extract<FromHelper, { type: T }> {
  if (message.type === 'failed') throw new SpawnError(message.code, message.message);
  if (message.type !== type) throw new Error(`The helper answered ${message.type} instead of ${type}`);
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- compared just above
  return message as Extract<FromHelper, { type: T }>;
}

function startHelper(onEnd: () => void): Helper {
  // Detached: a Ctrl-C of the terminal is for the parent, which then says what is to be killed. No environment, no flags.
  const process = fork(new URL('./spawner-process.ts', import.meta.url), {
    detached: true,
    env: {},
    execArgv: ['--max-semi-space-size=1'],
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  });
  const waiting = new Map<number, PromiseWithResolvers<FromHelper>>();
  const slots: Helper['slots'] = { free: [], all: [] };
  function rest(): void {
    if (waiting.size > 0) return;
    process.unref();
    process.channel?.unref();
  }
  function end(): void {
    onEnd();
    for (const one of waiting.values()) one.reject(new SpawnError('EPIPE', 'The helper process that runs commands ended'));
    waiting.clear();
    for (const slot of slots.all) {
      slot.stdout[Symbol.dispose]();
      slot.stderr[Symbol.dispose]();
    }
  }
  process.on('message', (message: FromHelper) => {
    waiting.get(message.id)?.resolve(message);
    waiting.delete(message.id);
    rest();
  });
  process.once('exit', end);
  process.once('error', end);
  rest();
  return {
    process,
    slots,
    ask(id, message) {
      const answer = Promise.withResolvers<FromHelper>();
      waiting.set(id, answer);
      process.ref();
      process.channel?.ref();
      process.send(message);
      return answer.promise;
    },
  };
}
