import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { digestOf, hexOf } from '../../src/base/digest.ts';
import { conditions } from '../formats/conditions.ts';
import type { Condition } from '../formats/conditions.ts';
import { makeSource } from '../formats/host-source.ts';

/** Every format under every condition with `PORTKIT_CONFORMANCE=full`, else one of each kind. */
const full = process.env['PORTKIT_CONFORMANCE'] === 'full';

/** What is made of the source, and its digest on any machine; compressed bytes are those of a library, which has versions. */
const formats: readonly {
  readonly name: string;
  readonly args: readonly string[];
  readonly golden?: string;
  readonly always?: true;
}[] = [
  { name: 'ext4', args: ['ext4'], golden: '64d761565150044a8dede92496c4ddb79dd1e565a19f733dd227af26654efb63' },
  {
    name: 'ext4, all of it',
    args: ['ext4', '--profile', 'csum-journal', '--label', 'root'],
    golden: '748da04dab4e03d0bb9c78dafd90cc685574d6a12c6a30570717aef260bfc8a1',
    always: true,
  },
  { name: 'cpio', args: ['cpio'], golden: '1fa9d9c239ee1457da90cd3cff996c88ab1ee73a89a93984df7cf1a914f9e592' },
  { name: 'cpio, gzip', args: ['cpio', '--compress', 'gzip'], always: true },
  { name: 'cpio, zstd', args: ['cpio', '--compress', 'zstd'] },
  { name: 'tar', args: ['tar'], golden: '09ec724485bd1c7d3a87c880929bc8f85a989d0da06be65782464b52e20ae579', always: true },
];
const wanted = formats.filter(({ always }) => full || always === true);

const folder = mkdtempSync(join(tmpdir(), 'portkit-same-'));
const expected = new Map<string, string>();
beforeAll(async () => {
  chmodSync(folder, 0o755);
  makeSource(join(folder, 'source'), { order: 'usual' });
  for (const format of wanted) expected.set(format.name, await digestUnder({ name: 'nothing' }, format.args));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

let places = 0;

/** Makes an image in a folder of its own, as the condition has it, and answers its digest. */
async function digestUnder(condition: Condition, args: readonly string[], from = join(folder, 'source')): Promise<string> {
  const out = join(folder, `out-${(places += 1)}`);
  mkdirSync(out);
  chmodSync(out, 0o777);
  const { wrap = [], env, cwd = out } = condition;
  const portkit = join(import.meta.dirname, '../../bin/portkit');
  const clamped = ['--time', '0', '--owner', '0:0', '-o', join(out, 'image')];
  const source = condition.cwd === undefined ? from : relative(cwd, from);
  const [command = '', ...rest] = [...wrap, 'sh', portkit, 'image', ...args, source, ...clamped];
  const child = spawn(command, rest, { cwd, env: { PATH: process.env['PATH'], ...env }, stdio: ['ignore', 'ignore', 'pipe'] });
  let complaint = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => (complaint += text));
  const [status] = (await once(child, 'close')) as [number | null];
  expect({ status, complaint }).toEqual({ status: 0, complaint: '' });
  const digest = hexOf(digestOf(readFileSync(join(out, 'image'))));
  rmSync(out, { recursive: true });
  return digest;
}

test.each(wanted.filter(({ golden }) => golden !== undefined))('$name has the bytes it has everywhere', ({ name, golden }) => {
  expect(expected.get(name)).toBe(golden);
});

describe.each(conditions)('$name', (condition) => {
  test('changes no byte', async ({ skip }) => {
    if (condition.why !== undefined) skip(condition.why);
    const own = join(folder, `own-${(places += 1)}`);
    mkdirSync(own);
    const source = condition.source?.(own);
    try {
      const made = wanted.map(async ({ name, args }) => [name, await digestUnder(condition, args, source?.path)] as const);
      expect(new Map(await Promise.all(made))).toEqual(expected);
    } finally {
      source?.leave?.();
    }
  });
});
