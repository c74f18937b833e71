import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { blob, bytesOf, context, createWorld, output, run, tree } from '../../../test/ops/world.ts';
import type { Op } from '../../solver/op.ts';
import { runProgram } from '../run-program.ts';
import { erofsOp, squashfsOp, vfatOp } from './op.ts';
import type { MkfsOpWorld } from './op.ts';

const scratch = mkdtempSync(join(tmpdir(), 'portkit-mkfs-op-'));
afterAll(() => rmSync(scratch, { recursive: true }));

// Programs that say how they were called, so that the ops are tested where no real ones are.
const bin = join(scratch, 'bin');
const folder = mkdtempSync(join(scratch, 'work-'));
const world = (): MkfsOpWorld => ({ ...createWorld(), run: runProgram, path: `${bin}:/usr/bin:/bin`, scratch: folder });
function fakes(version: string): void {
  rmSync(bin, { recursive: true, force: true });
  mkdirSync(bin);
  const fake = (name: string, text: string): void => writeFileSync(join(bin, name), `#!/bin/sh\n${text}\n`, { mode: 0o755 });
  fake('mksquashfs', `[ "$1" = -version ] && echo "mksquashfs version ${version}" && exit; echo "$@" | sed "s,$PWD,," >"$2"`);
  fake(
    'mkfs.erofs',
    `case "$1" in --help) echo --tar=;; --version) echo ${version};; *) for a; do i=$a; done; (echo "$@"; cat) >"$i";; esac`,
  );
  fake('mformat', `[ "$1" = --version ] && echo ${version} || echo "$@" >>"$2"`);
  fake('mcopy', 'cat "$3" >>"$2"');
  fake('mmd', 'exit 0');
}

const files = { 'efi/a': 'one', b: { file: 'two', mtime: { seconds: 77, nanos: 5 } } } as const;
const makers: Readonly<Record<string, (spec: object, of: MkfsOpWorld) => Op>> = {
  squashfs: (spec, of) => squashfsOp({ type: 'squashfs', ...spec }, of),
  erofs: (spec, of) => erofsOp({ type: 'erofs', ...spec }, of),
  vfat: (spec, of) => vfatOp({ type: 'vfat', ...spec }, of),
};

test('everything that decides the bytes is a fact, the version of the program too', async () => {
  const seen = new Map<string, string>();
  const uuid = '01234567-89ab-cdef-0123-456789abcdef';
  const specs: Readonly<Record<string, readonly object[]>> = {
    squashfs: [{}, { compress: 'xz' }, { mtime: 1 }],
    erofs: [{}, { compress: 'lz4' }, { mtime: 1 }, { uuid }],
    vfat: [{}, { mtime: 315_532_801 }, { label: 'A' }, { serial: '01234567' }, { size: 2 ** 20 }],
  };
  for (const version of ['4.6', '4.7']) {
    fakes(version);
    for (const [kind, make] of Object.entries(makers))
      for (const spec of specs[kind] ?? []) {
        const op = make(spec, world());
        const { facts } = await op.facts(context);
        seen.set(`${op.code} ${JSON.stringify(facts)}`, version);
      }
  }
  expect(seen.size).toBe(2 * 12);
});

test('the options reach the program, and nothing is left', async () => {
  fakes('4.6');
  const of = world();
  const given = await tree(of, files);
  const made = async (kind: string, spec: object): Promise<string> =>
    bytesOf(of, await output((makers[kind] as (typeof makers)['vfat'])(spec, of), given)).toString('latin1');
  expect(await made('squashfs', { compress: 'lz4' })).toContain('-comp lz4');
  expect(await made('squashfs', { mtime: 9 })).toContain('-root-time 9');
  const [one, other] = [await made('erofs', { compress: 'lz4hc' }), await made('erofs', { mtime: 9 })];
  expect(one).toMatch(/^--quiet --tar=f -U [0-9a-f-]{36} -zlz4hc /);
  expect(one).toContain('one');
  expect(other).not.toContain(/-U (\S+)/.exec(one)?.[1]);
  expect(await made('vfat', { label: 'ESP', size: 2 ** 21 })).toMatch(/-T 4096 .* -v ESP -r 32 ::\n[^]*(?:one|two)/);
  expect(readdirSync(folder)).toEqual([]);
});

test('fails in words of its own', async () => {
  fakes('4.6');
  const of = world();
  const failsWith = (code: string): unknown => ({ ok: false, failure: expect.objectContaining({ code }) });
  for (const make of Object.values(makers)) expect(await run(make({}, of), await blob(of, 'x'))).toEqual(failsWith('PK3306'));
  const link = await tree(of, { link: { symlink: 'a' } });
  expect(await run(vfatOp({ type: 'vfat' }, of), link)).toEqual(failsWith('PK3955'));
  expect(await run(vfatOp({ type: 'vfat', label: 'much too long' }, of), await tree(of, {}))).toEqual(failsWith('PK1004'));
  const nowhere = { ...of, path: folder };
  expect(await run(squashfsOp({ type: 'squashfs' }, nowhere), link)).toEqual(failsWith('PK6901'));
  await expect(squashfsOp({ type: 'squashfs' }, nowhere).facts(context)).rejects.toMatchObject({ code: 'PK6901' });
});
