import { describe, expect, test } from 'vitest';
import { fromBytes } from '../base/byte-string.ts';
import { digestOf } from '../base/digest.ts';
import type { Digest } from '../base/digest.ts';
import { PortkitError } from '../base/errors.ts';
import type { Command, Ended } from '../execution/executor.ts';
import type { ExecSpec } from '../graph/ops.ts';
import { createMemoryStore } from '../store/memory.ts';
import type { Op } from '../solver/op.ts';
import { encodeNode } from '../store/trees/encode.ts';
import type { Attributes } from '../store/trees/node.ts';
import { execOp } from './exec.ts';

const context = { signal: new AbortController().signal, output: () => {}, transfer: () => {} };
const plain: ExecSpec = { type: 'exec', argv: ['cc', 'a.c'], inputs: ['src'], root: 'host' };
const source = { kind: 'tree', digest: digestOf('source') } as const;

/** An op whose command ends as told, and what the executor was asked. */
function opOf(
  change: Partial<ExecSpec>,
  ended: Ended | Error = { how: 'exited', status: 0, out: digestOf('out') },
  blobs = createMemoryStore(),
): { op: Op; asked: Command[] } {
  const asked: Command[] = [];
  const op = execOp(
    { ...plain, ...change },
    {
      blobs,
      executor: {
        run(command) {
          asked.push(command);
          return ended instanceof Error ? Promise.reject(ended) : Promise.resolve(ended);
        },
      },
      hostTools: { machine: 'x64', digest: (tool) => Promise.resolve(digestOf(tool)) },
      secrets: (name) => (name === 'token' ? Buffer.from('hunter2') : undefined),
    },
  );
  return { op, asked };
}

async function factsOf(change: Partial<ExecSpec>): Promise<Readonly<Record<string, string>>> {
  return (await opOf(change).op.facts(context)).facts;
}

describe('facts', () => {
  test('are these', async () => {
    expect(await factsOf({ env: { A: 'b' }, tools: ['cc'], memoryBytes: 5, output: { file: 'x' } })).toEqual({
      argv: '["cc","a.c"]',
      machine: 'x64',
      cwd: '/tmp',
      network: 'none',
      root: 'host',
      inputs: '["src"]',
      output: 'file x',
      memory: '5',
      'env A': 'b',
      'tool cc': digestOf('cc'),
    });
  });

  test('change with everything that decides the result', async () => {
    const changes: Partial<ExecSpec>[] = [
      {},
      { argv: ['cc', 'a.c', ''] },
      { argv: ['cc a.c'] },
      { inputs: ['other'] },
      { root: { input: 0 } },
      { tools: ['cc'] },
      { env: { A: '' } },
      { cwd: '/in/src' },
      { network: true },
      { output: { file: 'x' } },
      { memoryBytes: 1 },
      { processes: 1 },
      { secrets: [{ name: 'token' }] },
      { secrets: [{ name: 'token', env: 'T' }] },
    ];
    const facts = await Promise.all(changes.map(async (change) => JSON.stringify(await factsOf(change))));
    expect(new Set(facts).size).toBe(changes.length);
  });

  test('do not change with caches and the time limit, and never hold the value of a secret', async () => {
    const same = await factsOf({});
    expect(await factsOf({ caches: [{ name: 'c', to: '/tmp/c', share: 'locked' }], timeoutMs: 5 })).toEqual(same);
    expect(JSON.stringify(await factsOf({ secrets: [{ name: 'token' }] }))).not.toContain('hunter2');
  });
});

describe('a run', () => {
  test('gives the executor what the definition says', async () => {
    const { op, asked } = opOf({ inputs: ['src', ''], root: { input: 1 }, secrets: [{ name: 'token', env: 'T' }], timeoutMs: 7 });
    const root = { kind: 'tree', digest: digestOf('root') } as const;
    expect(await op.run([source, root], context)).toEqual({ ok: true, outputs: [{ kind: 'tree', digest: digestOf('out') }] });
    expect(asked).toEqual([
      {
        argv: ['cc', 'a.c'],
        inputs: [{ name: 'src', ref: source }],
        root: root.digest,
        env: {},
        cwd: '/tmp',
        network: false,
        caches: [],
        secrets: [{ name: 'token', env: 'T', value: Buffer.from('hunter2') }],
        timeoutMs: 7,
      },
    ]);
  });

  test.each([
    [{ how: 'exited', status: 3 }, 'PK3101', 'cc ended with status 3'],
    [{ how: 'signalled', signal: 'SIGSEGV' }, 'PK3102', 'cc was ended by SIGSEGV'],
    [{ how: 'out-of-time' }, 'PK3103', 'cc ran longer than 1.5 s and was killed'],
    [{ how: 'out-of-memory' }, 'PK3104', 'cc needed more than 99 bytes of memory'],
  ] as const)('that ends with %j fails as %s', async (ended, code, message) => {
    const outcome = await opOf({ timeoutMs: 1500, memoryBytes: 99 }, ended).op.run([source], context);
    expect(outcome).toMatchObject({ ok: false, failure: { code, message } });
  });

  test('fails when a secret was not given', async () => {
    const outcome = await opOf({ secrets: [{ name: 'other' }] }).op.run([source], context);
    expect(outcome).toMatchObject({ ok: false, failure: { code: 'PK3108' } });
  });

  test('throws what is not its own failure', async () => {
    const broken = new PortkitError('PK3106', 'no namespaces');
    await expect(opOf({}, broken).op.run([source], context)).rejects.toBe(broken);
    const unusable = new PortkitError('PK3107', 'no /cache');
    expect(await opOf({}, unusable).op.run([source], context)).toMatchObject({ ok: false, failure: { code: 'PK3107' } });
  });
});

describe('a file as output', () => {
  const attributes: Attributes = { mode: 0o644, uid: 0, gid: 0, mtime: { seconds: 0, nanos: 0 }, xattrs: [] };
  const blobs = createMemoryStore();
  const batch = blobs.batch();
  const content = batch.add(Buffer.from('program'));
  const folder = (
    name: string,
    entry: { type: 'dir'; node: Digest } | { type: 'file'; content: Digest; size: number },
  ): Digest => {
    const named = { ...attributes, ...entry, name: fromBytes(Buffer.from(name)) };
    return batch.add(encodeNode({ ...attributes, entries: [named], links: [] }));
  };
  const out = folder('bin', { type: 'dir', node: folder('app', { type: 'file', content, size: 7 }) });

  test.each(['bin/app', './bin//app'])('%s is the blob of the file', async (file) => {
    await batch.commit(context.signal);
    const { op } = opOf({ output: { file } }, { how: 'exited', status: 0, out }, blobs);
    expect(await op.run([source], context)).toEqual({ ok: true, outputs: [{ kind: 'blob', digest: content }] });
  });

  test.each(['bin', 'bin/other', 'bin/app/x', '../bin', ''])('%s is none, so the step failed', async (file) => {
    await batch.commit(context.signal);
    const { op } = opOf({ output: { file } }, { how: 'exited', status: 0, out }, blobs);
    expect(await op.run([source], context)).toMatchObject({ ok: false, failure: { code: 'PK3105' } });
  });
});
