import { mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { digestOf } from '../base/digest.ts';
import type { LocalSpec } from '../graph/source-ops.ts';
import type { OpContext } from '../solver/op.ts';
import { localOp } from './local.ts';
import type { LocalPath } from './local.ts';

const context: OpContext = { signal: new AbortController().signal, output: () => undefined, transfer: () => undefined };
const ref = { kind: 'tree', digest: digestOf('x') } as const;
let folder: string;
let directory: string;
let asked: LocalPath[];

beforeEach(() => {
  folder = realpathSync(mkdtempSync(join(tmpdir(), 'portkit-local-')));
  directory = join(folder, 'project/sub');
  mkdirSync(join(directory, 'src'), { recursive: true });
  mkdirSync(join(folder, 'project/shared'));
  mkdirSync(join(folder, 'project-evil'));
  writeFileSync(join(folder, 'secret'), '');
  asked = [];
});

afterEach(() => rmSync(folder, { recursive: true, force: true }));

function op(spec: Omit<LocalSpec, 'type'>, outermost?: string) {
  const snapshot = (taken: LocalPath) => Promise.resolve((asked.push(taken), ref));
  return localOp({ type: 'local', ...spec }, { directory, snapshot, ...(outermost === undefined ? {} : { outermost }) });
}

test('files are taken once, and their content is the key', async () => {
  const one = op({ path: 'src', include: ['*.c'], exclude: ['*.o'] });
  expect(await one.facts(context)).toEqual({ facts: { tree: ref.digest }, outputs: [ref] });
  expect(await one.run([], context)).toEqual({ ok: true, outputs: [ref] });
  expect(asked).toEqual([{ path: join(directory, 'src'), include: ['*.c'], exclude: ['*.o'] }]);
});

test('the directory itself can be taken', async () => {
  await op({ path: '.' }).facts(context);
  await op({ path: 'src/../' }).facts(context);
  expect(asked).toEqual([{ path: directory }, { path: directory }]);
});

test.each(['..', '../shared', 'src/../../shared', '/etc', '', 'a\0b', '../../secret', 'missing'])(
  'the path %j is refused',
  async (path) => {
    await expect(op({ path }).facts(context)).rejects.toMatchObject({ code: 'PK3208' });
    expect(asked).toEqual([]);
  },
);

test('a root above is as far as a path may go', async () => {
  const outermost = join(folder, 'project');
  await op({ path: '../shared' }, outermost).facts(context);
  expect(asked).toEqual([{ path: join(folder, 'project/shared') }]);
  await expect(op({ path: '../../project-evil' }, outermost).facts(context)).rejects.toMatchObject({ code: 'PK3208' });
  await expect(op({ path: '../../secret' }, outermost).facts(context)).rejects.toMatchObject({ code: 'PK3208' });
});

test('a symlink on the way may not lead outside', async () => {
  symlinkSync(folder, join(directory, 'out'));
  symlinkSync('src', join(directory, 'in'));
  await expect(op({ path: 'out' }).facts(context)).rejects.toMatchObject({ code: 'PK3208' });
  await expect(op({ path: 'out/secret' }).facts(context)).rejects.toMatchObject({ code: 'PK3208' });
  await op({ path: 'in' }).facts(context);
  expect(asked).toEqual([{ path: join(directory, 'src') }]);
});
