import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { makeElf } from '../../../test/formats/elf.ts';
import type { ElfSample } from '../../../test/formats/elf.ts';
import { blob, createWorld, output, run, show, tree } from '../../../test/ops/world.ts';
import type { Standing } from '../../../test/ops/world.ts';
import type { TreeEdit } from '../../graph/ops.ts';
import { treeOp } from '../tree.ts';

type Files = Readonly<Record<string, Standing>>;

const glibc = '/lib64/ld-linux-x86-64.so.2';
const program = (needed: readonly string[], more: ElfSample = {}): Buffer => makeElf({ interpreter: glibc, needed, ...more });
const library = (soname: string, more: ElfSample = {}): Buffer => makeElf({ soname, ...more });
const loader = library('ld-linux-x86-64.so.2');

/** The files and links that the libraries of `bin/p` add to a tree in which it stands. */
async function added(own: Files, from: Files, edit: { readonly to?: string } = {}): Promise<readonly string[]> {
  const world = createWorld();
  const edits: readonly TreeEdit[] = [
    { copy: 0, to: '/' },
    { elfLibs: '/bin/p', from: 1, ...edit },
  ];
  const before = await show(world, await tree(world, own));
  const after = await show(
    world,
    await output(treeOp({ type: 'tree', edits }, world), await tree(world, own), await tree(world, from)),
  );
  return after.filter((line) => !before.includes(line) && !line.includes(' dir ')).map((line) => line.split(' ')[0] ?? '');
}

async function failing(own: Files, from: Files): Promise<unknown> {
  const world = createWorld();
  const edits: readonly TreeEdit[] = [
    { copy: 0, to: '/' },
    { elfLibs: '/bin/p', from: 1 },
  ];
  return run(treeOp({ type: 'tree', edits }, world), await tree(world, own), await tree(world, from));
}

function failure(code: string, message: string, hint = ''): unknown {
  return {
    ok: false,
    failure: expect.objectContaining({
      code,
      message: expect.stringContaining(message),
      ...(hint && { hint: expect.stringContaining(hint) }),
    }),
  };
}

describe('the libraries of a program', () => {
  test('are those of its libraries too, each once, and the loader', async () => {
    const from = {
      'lib64/ld-linux-x86-64.so.2': loader,
      'usr/lib/x86_64-linux-gnu/liba.so.1': library('liba.so.1', { needed: ['libb.so.2', 'libc.so.6'] }),
      'lib/x86_64-linux-gnu/libb.so.2': library('libb.so.2', { needed: ['liba.so.1', 'libc.so.6'] }),
      'usr/lib/libc.so.6': library('libc.so.6', { needed: ['ld-linux-x86-64.so.2'] }),
      'usr/lib/libunused.so': library('libunused.so'),
    };
    expect(await added({ 'bin/p': program(['liba.so.1', 'libc.so.6']) }, from)).toEqual([
      '/lib/x86_64-linux-gnu/libb.so.2',
      '/lib64/ld-linux-x86-64.so.2',
      '/usr/lib/libc.so.6',
      '/usr/lib/x86_64-linux-gnu/liba.so.1',
    ]);
    expect(await added({ 'bin/p': program(['liba.so.1']) }, from, { to: '/app/lib' })).toEqual([
      '/app/lib/liba.so.1',
      '/app/lib/libb.so.2',
      '/app/lib/libc.so.6',
      '/lib64/ld-linux-x86-64.so.2',
    ]);
    expect(await added({ x: '' }, { ...from, 'bin/p': program(['libb.so.2']) })).toHaveLength(4);
    expect(await added({ 'bin/p': makeElf({}) }, {})).toEqual([]);
  });

  test('are followed through symlinks on both sides, and stand as plain files', async () => {
    const from: Files = {
      'usr/lib/x86_64-linux-gnu/libz.so.1.3': library('libz.so.1'),
      'usr/lib/x86_64-linux-gnu/libz.so.1': { symlink: 'libz.so.1.3' },
      'usr/lib/x86_64-linux-gnu/ld.so': loader,
      'usr/lib64/ld-linux-x86-64.so.2': { symlink: '/lib/x86_64-linux-gnu/ld.so' },
      lib: { symlink: 'usr/lib' },
      lib64: { symlink: 'usr/lib64' },
    };
    const merged: Files = { 'bin/p': program(['libz.so.1']), lib: { symlink: 'usr/lib' }, lib64: { symlink: '/usr/lib64' } };
    expect(await added({ 'bin/p': program(['libz.so.1']) }, from)).toEqual([
      '/lib/x86_64-linux-gnu/libz.so.1',
      '/lib64/ld-linux-x86-64.so.2',
    ]);
    expect(await added(merged, from)).toEqual(['/usr/lib/x86_64-linux-gnu/libz.so.1', '/usr/lib64/ld-linux-x86-64.so.2']);
  });

  test('in the tree itself come first, and are not taken again', async () => {
    const from = {
      'lib64/ld-linux-x86-64.so.2': loader,
      'lib/libc.so.6': library('libc.so.6'),
      'lib/libx.so': library('libx.so'),
    };
    const own = {
      'bin/p': program(['libown.so'], { runpath: '$ORIGIN/../app/lib' }),
      'app/lib/libown.so': library('libown.so', { needed: ['libc.so.6'], runpath: '${ORIGIN}' }),
      'app/lib/libc.so.6': library('libc.so.6', { needed: ['libx.so'] }),
    };
    expect(await added(own, from)).toEqual(['/lib/libx.so', '/lib64/ld-linux-x86-64.so.2']);
  });

  test('are looked for as the loader does: RPATH of all that asked, or RUNPATH of one alone', async () => {
    const from = {
      'lib64/ld-linux-x86-64.so.2': loader,
      'opt/liba.so': library('liba.so', { needed: ['libb.so'] }),
      'opt/libb.so': library('libb.so', { machine: 183 }),
      'usr/lib/libb.so': library('libb.so'),
      'deep/libb.so': library('libb.so'),
    };
    const where = async (more: ElfSample): Promise<readonly string[]> => added({ 'bin/p': program(['liba.so'], more) }, from);
    expect(await where({ rpath: '/opt:/deep' })).toEqual(['/deep/libb.so', '/lib64/ld-linux-x86-64.so.2', '/opt/liba.so']);
    expect(await where({ runpath: '/opt:/deep' })).toEqual(['/lib64/ld-linux-x86-64.so.2', '/opt/liba.so', '/usr/lib/libb.so']);
    expect(await where({ rpath: '/deep', runpath: 'relative:/opt/../opt/:$PLATFORM/x' })).toContain('/usr/lib/libb.so');
  });

  test('are looked for in the folders of ld.so.conf', async () => {
    const from = {
      'etc/ld.so.conf': '# comment\ninclude /etc/ld.so.conf.d/*.conf\n/last # more\n',
      'etc/ld.so.conf.d/b.conf': '/second\ninclude b.conf\n',
      'etc/ld.so.conf.d/a.conf': '/first\n',
      'etc/ld.so.conf.d/c.txt': '/never\n',
      'lib64/ld-linux-x86-64.so.2': loader,
      'never/l1.so': library('l1.so'),
      'last/l1.so': library('l1.so'),
      'second/l1.so': library('l1.so'),
      'second/l2.so': library('l2.so'),
      'first/l2.so': library('l2.so'),
      'lib/l2.so': library('l2.so'),
      'last/l3.so': library('l3.so'),
    };
    expect(await added({ 'bin/p': program(['l1.so', 'l2.so', 'l3.so']) }, from)).toEqual([
      '/first/l2.so',
      '/last/l3.so',
      '/lib64/ld-linux-x86-64.so.2',
      '/second/l1.so',
    ]);
  });

  test('of musl are looked for in its own folders; its one library is the loader', async () => {
    const interpreter = '/lib/ld-musl-x86_64.so.1';
    const from = {
      'lib/ld-musl-x86_64.so.1': library('libc.musl-x86_64.so.1'),
      'usr/local/lib/libz.so.1': library('libz.so.1', { needed: ['libc.so'] }),
      'lib/x86_64-linux-gnu/libz.so.1': library('libz.so.1'),
    };
    const own = { 'bin/p': program(['libz.so.1', 'libc.musl-x86_64.so.1'], { interpreter }) };
    expect(await added(own, from)).toEqual(['/lib/ld-musl-x86_64.so.1', '/usr/local/lib/libz.so.1']);
    const other = { ...from, 'etc/ld-musl-x86_64.path': '/lib/x86_64-linux-gnu\n' };
    expect(await added(own, other)).toEqual(['/lib/ld-musl-x86_64.so.1', '/lib/x86_64-linux-gnu/libz.so.1']);
  });

  test('that are not there are named, with the folders that were searched', async () => {
    const from = { 'lib64/ld-linux-x86-64.so.2': loader, 'lib/libarm.so': library('libarm.so', { machine: 40 }) };
    const own = { 'bin/p': program(['libarm.so'], { runpath: '/opt/x' }) };
    expect(await failing(own, from)).toEqual(failure('PK3309', '"bin/p" needs "libarm.so"', '/opt/x, /lib/x86_64-linux-gnu'));
    expect(await failing({ 'bin/p': program([]) }, {})).toEqual(failure('PK3309', 'loaded by "/lib64/ld-linux-x86-64.so.2"'));
    expect(await failing({ 'bin/p': program(['a/../b.so']) }, from)).toEqual(failure('PK3309', 'a/../b.so'));
    expect(await failing({ 'bin/p': '#!/bin/sh\n' }, from)).toEqual(failure('PK3306', 'is no ELF file'));
    expect(await failing({ 'bin/q': '' }, from)).toEqual(failure('PK3307', '"bin/p"', 'Did you mean "q"?'));
    expect(await failing({ 'bin/p': program([]).subarray(0, 100) }, from)).toEqual(failure('PK3305', 'malformed'));
    const world = createWorld();
    const edits: readonly TreeEdit[] = [{ elfLibs: '/bin/p', from: 0 }];
    expect(await run(treeOp({ type: 'tree', edits }, world), await blob(world, ''))).toEqual(failure('PK3306', 'a tree'));
  });

  test('are what ldd lists for a program of this machine', async () => {
    const file = '/usr/bin/tar';
    const listing = execFileSync('ldd', [file], { encoding: 'utf8' });
    const listed = [...listing.matchAll(/^\s*(?:\S+ => )?(\/\S+) \(/gm)].flatMap((match) => match[1] ?? []);
    expect(listed.length).toBeGreaterThan(1);
    const from: Record<string, Standing> = {};
    for (const path of listed) from[path.slice(1)] = readFileSync(path);
    if (existsSync('/etc/ld.so.conf')) from['etc/ld.so.conf'] = readFileSync('/etc/ld.so.conf');
    expect(await added({ 'bin/p': readFileSync(file) }, from)).toEqual([...listed].sort());
  });
});
