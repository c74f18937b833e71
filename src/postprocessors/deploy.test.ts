import { expect, test } from 'vitest';
import { context, createWorld, run, tree } from '../../test/ops/world.ts';
import { digestOf } from '../base/digest.ts';
import type { Command } from '../execution/executor.ts';
import { deployOp } from './deploy.ts';

async function open(build?: string) {
  const world = createWorld();
  const asked: Command[] = [];
  const out = await tree(world, {});
  const exec = () => ({
    blobs: world.blobs,
    hostTools: { machine: 'x64', digest: (tool: string) => Promise.resolve(digestOf(tool)) },
    secrets: (name: string) => (name === 'key' ? Buffer.from('hunter2') : undefined),
    executor: {
      run(command: Command) {
        asked.push(command);
        return Promise.resolve({ how: 'exited', status: 0, out: out.digest } as const);
      },
    },
  });
  const spec = { type: 'deploy', argv: ['up'], inputs: ['layout'], root: 'host', secrets: [{ name: 'key' }] } as const;
  return { op: deployOp(spec, { exec, ...(build !== undefined && { build }) }), asked, layout: out };
}

test('has a fact of its own in every build, so that its result is never found again', async () => {
  const [first, second] = [await open('1'), await open('2')];
  const [one, two] = [await first.op.facts(context), await second.op.facts(context)];
  expect({ ...one.facts, build: '2' }).toEqual(two.facts);
  expect(one).not.toEqual(two);
  expect(JSON.stringify(one)).not.toContain('hunter2');
});

test('is a command that sees the layout', async () => {
  const { op, asked, layout } = await open('1');
  expect(await run(op, layout)).toMatchObject({ ok: true });
  expect(asked).toMatchObject([
    { argv: ['up'], network: false, inputs: [{ name: 'layout', ref: layout }], secrets: [{ name: 'key' }] },
  ]);
});

test('is refused by whoever does not deploy', async () => {
  const { op, asked, layout } = await open();
  expect(await run(op, layout)).toMatchObject({ ok: false, failure: { code: 'PK4106' } });
  expect(asked).toEqual([]);
});
