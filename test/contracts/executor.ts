import { describe, expect, test } from 'vitest';
import { digestOf } from '../../src/base/digest.ts';
import type { Digest } from '../../src/base/digest.ts';
import type { Executor } from '../../src/execution/executor.ts';
import type { SmallBlobs } from '../../src/store/blobs.ts';
import { decodeNode } from '../../src/store/trees/decode.ts';
import { run, script } from '../sandbox/rig.ts';
import type { FakeProgram } from './fake-executor.ts';

/** The commands of the contract: shell scripts for executors that run something, functions for the fake. */
const commands = {
  hello: 'echo hello; echo oops >&2; echo made > /out/file',
  copy: 'cat /in/given > /out/file',
  seven: 'echo x > /out/file; exit 7',
  killed: 'kill -9 $$',
  slow: 'echo started; sleep 60',
} as const;

/** The same for the fake. */
export const fakePrograms: Readonly<Record<string, FakeProgram>> = {
  [commands.hello](world) {
    world.say('stdout', 'hello\n');
    world.say('stderr', 'oops\n');
    world.leave('file', 'made\n');
    return Promise.resolve(0);
  },
  [commands.copy](world) {
    world.leave('file', world.read('given'));
    return Promise.resolve(0);
  },
  [commands.seven]: () => Promise.resolve(7),
  [commands.killed]: () => Promise.resolve({ how: 'signalled', signal: 'SIGKILL' }),
  [commands.slow](world) {
    world.say('stdout', 'started\n');
    return new Promise(() => {});
  },
};

/** What every executor must do; each one's test runs it. */
export function executorContract(name: string, open: () => { readonly executor: Executor; readonly blobs: SmallBlobs }): void {
  describe(`${name} keeps the contract of an executor`, () => {
    test('gives what a command says and leaves', async () => {
      const { executor, blobs } = open();
      const { ended, stdout, stderr } = await run(executor, script(commands.hello));
      expect([stdout, stderr]).toEqual(['hello\n', 'oops\n']);
      expect(ended).toMatchObject({ how: 'exited', status: 0 });
      expect(filesOf(blobs, ended.how === 'exited' ? ended.out : undefined)).toEqual({ file: digestOf('made\n') });
    });

    test('gives the same tree for the same files, also at the same time', async () => {
      const { executor } = open();
      const ends = await Promise.all([1, 2, 3, 4].map(() => run(executor, script(commands.hello))));
      expect(new Set(ends.map(({ ended }) => JSON.stringify(ended))).size).toBe(1);
    });

    test('shows inputs', async () => {
      const { executor, blobs } = open();
      const batch = blobs.batch();
      const digest = batch.add(Buffer.from('given\n'));
      await batch.commit(new AbortController().signal);
      const { ended } = await run(
        executor,
        script(commands.copy, { inputs: [{ name: 'given', ref: { kind: 'blob', digest } }] }),
      );
      expect(filesOf(blobs, ended.how === 'exited' ? ended.out : undefined)).toEqual({ file: digest });
    });

    test('tells failure, signal and time apart, and then has no output', async () => {
      const { executor } = open();
      expect((await run(executor, script(commands.seven))).ended).toEqual({ how: 'exited', status: 7 });
      expect((await run(executor, script(commands.killed))).ended).toEqual({ how: 'signalled', signal: 'SIGKILL' });
      expect((await run(executor, script(commands.slow, { timeoutMs: 100 }))).ended).toEqual({ how: 'out-of-time' });
    });

    test('throws the reason of an abort, before and while it runs', async () => {
      const { executor } = open();
      const reason = new Error('enough');
      await expect(run(executor, script(commands.hello), AbortSignal.abort(reason))).rejects.toBe(reason);
      const controller = new AbortController();
      const running = executor.run(script(commands.slow), { signal: controller.signal, output: () => controller.abort(reason) });
      await expect(running).rejects.toBe(reason);
    });
  });
}

function filesOf(blobs: SmallBlobs, tree: Digest | undefined): Readonly<Record<string, Digest>> {
  if (tree === undefined) throw new Error('No tree');
  const { entries } = decodeNode(blobs.get(tree) ?? new Uint8Array(), tree);
  return Object.fromEntries(entries.flatMap((entry) => (entry.type === 'file' ? [[entry.name, entry.content]] : [])));
}
