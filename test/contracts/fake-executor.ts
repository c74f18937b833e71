import { setTimeout } from 'node:timers/promises';
import { fromBytes } from '../../src/base/byte-string.ts';
import type { Digest } from '../../src/base/digest.ts';
import type { Command, Ended, Executor } from '../../src/execution/executor.ts';
import type { BlobReader, SmallBlobs } from '../../src/store/blobs.ts';
import { encodeNode } from '../../src/store/trees/encode.ts';
import type { Attributes } from '../../src/store/trees/node.ts';

/** What a fake command can do. */
interface FakeWorld {
  readonly command: Command;
  readonly signal: AbortSignal;
  say(stream: 'stdout' | 'stderr', text: string): void;
  /** Leaves a file in /out. */
  leave(name: string, text: string): void;
  /** The text of an input that is a blob. */
  read(name: string): string;
}

/** A program of the fake: answers its exit status, or how else it ends. */
export type FakeProgram = (world: FakeWorld) => Promise<number | Exclude<Ended, { how: 'exited' }>>;

const attributes: Attributes = { mode: 0o755, uid: 0, gid: 0, mtime: { seconds: 0, nanos: 0 }, xattrs: [] };

/** An executor whose programs are functions, by the last argument of the command. */
export function createFakeExecutor(blobs: SmallBlobs & BlobReader, programs: Readonly<Record<string, FakeProgram>>): Executor {
  return {
    async run(command, context) {
      const { signal } = context;
      signal.throwIfAborted();
      const program = programs[command.argv.at(-1) ?? ''];
      if (program === undefined) return { how: 'exited', status: 127 };
      const out = new Map<string, string>();
      const world: FakeWorld = {
        command,
        signal,
        say: (stream, text) => context.output(stream, Buffer.from(text)),
        leave: (name, text) => void out.set(name, text),
        read: (name) => textOf(command, name, blobs),
      };
      const late = command.timeoutMs === undefined ? [] : [setTimeout(command.timeoutMs, { how: 'out-of-time' } as const)];
      const end = await Promise.race([aborted(signal), program(world), ...late]);
      if (typeof end !== 'number') return end;
      return end === 0 ? { how: 'exited', status: 0, out: await keep(out, blobs, signal) } : { how: 'exited', status: end };
    },
  };
}

function textOf(command: Command, name: string, blobs: SmallBlobs): string {
  const input = command.inputs.find((one) => one.name === name);
  const bytes = input === undefined ? undefined : blobs.get(input.ref.digest);
  if (bytes === undefined) throw new Error(`No input ${name}`);
  return Buffer.from(bytes).toString();
}

function aborted(signal: AbortSignal): Promise<never> {
  return new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(signal.reason), { once: true }));
}

async function keep(out: ReadonlyMap<string, string>, blobs: SmallBlobs, signal: AbortSignal): Promise<Digest> {
  const batch = blobs.batch();
  const entries = [...out]
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, text]) => {
      const bytes = Buffer.from(text);
      return {
        type: 'file' as const,
        name: fromBytes(Buffer.from(name)),
        ...attributes,
        mode: 0o644,
        content: batch.add(bytes),
        size: bytes.length,
      };
    });
  const tree = batch.add(encodeNode({ ...attributes, entries, links: [] }));
  await batch.commit(signal);
  return tree;
}
