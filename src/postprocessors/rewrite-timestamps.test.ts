import { expect, test } from 'vitest';
import { context, createWorld, output, run, blob, show, tree } from '../../test/ops/world.ts';
import { rewriteTimestampsOp } from './rewrite-timestamps.ts';

const at = (seconds: number, nanos = 0) => ({ mtime: { seconds, nanos } });
const op = (latest: number, world: ReturnType<typeof createWorld>) =>
  rewriteTimestampsOp({ type: 'rewriteTimestamps', latest }, world);

test('what is later becomes the latest, and nothing else changes', async () => {
  const world = createWorld();
  const files = {
    old: { file: 'a', ...at(50, 7) },
    exact: { file: 'a', ...at(100) },
    'deep/er': { dir: true, ...at(300), mode: 0o700 },
    'deep/er/new': { file: 'b', ...at(100, 1) },
    'deep/second': { hardlink: 'deep/er/new' },
    link: { symlink: 'old', ...at(500) },
    copy: { dir: true, ...at(20) },
    'copy/new': { file: 'b', ...at(2 ** 40) },
  } as const;
  const result = await output(op(100, world), await tree(world, files));
  expect(await show(world, result)).toEqual([
    '/ dir 0755 0:0',
    '/copy dir 0755 0:0 @20.0',
    '/copy/new file 0644 0:0 "b" @100.0',
    '/deep dir 0755 0:0',
    '/deep/er dir 0700 0:0 @100.0',
    '/deep/er/new file 0644 0:0 "b" @100.0',
    '/deep/second file 0644 0:0 = deep/er/new @100.0',
    '/exact file 0644 0:0 "a" @100.0',
    '/link symlink 0777 0:0 -> old @100.0',
    '/old file 0644 0:0 "a" @50.7',
  ]);
  expect(await output(op(100, world), result)).toEqual(result);
});

test('only a tree has times', async () => {
  const world = createWorld();
  const outcome = await run(op(0, world), await blob(world, 'x'));
  expect(outcome).toEqual({ ok: false, failure: expect.objectContaining({ code: 'PK3306' }) });
  expect(op(1, world).facts(context)).not.toEqual(op(2, world).facts(context));
});
