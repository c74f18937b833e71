import { execFileSync } from 'node:child_process';
import { gzipSync, zstdCompressSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { makeKernelModule } from '../../../test/formats/kernel-module.ts';
import { bytesOf, createWorld, output, run, show, tree } from '../../../test/ops/world.ts';
import type { Standing } from '../../../test/ops/world.ts';
import type { TreeEdit } from '../../graph/ops.ts';
import { treeOp } from '../tree.ts';

type Files = Readonly<Record<string, Standing>>;
type Edit = Extract<TreeEdit, { kernelModules: string }>;

function opOf(world: ReturnType<typeof createWorld>, edit: Partial<Edit>) {
  const edits: readonly TreeEdit[] = [{ kernelModules: '/lib/modules', from: 0, names: [], ...edit }];
  return treeOp({ type: 'tree', edits }, world);
}

/** The paths of the files that were added, and the text of modules.dep. */
async function added(files: Files, edit: Partial<Edit>): Promise<{ paths: readonly string[]; list: string }> {
  const world = createWorld();
  const made = await output(opOf(world, edit), await tree(world, files));
  const lines = (await show(world, made)).filter((line) => line.includes(' file '));
  const paths = lines.map((line) => line.split(' ')[0] ?? '');
  const picked = await output(
    treeOp({ type: 'tree', edits: [{ copy: 0, path: '/lib/modules', include: ['**/modules.dep'], to: '/', strip: 1 }] }, world),
    made,
  );
  const { listTree } = await import('../../store/trees/list.ts');
  let list = '';
  for await (const { item } of listTree(picked.digest, { blobs: world.blobs, signal: new AbortController().signal }))
    if (item.type === 'file') list = bytesOf(world, { kind: 'blob', digest: item.content }).toString();
  return { paths, list };
}

async function failing(files: Files, edit: Partial<Edit>): Promise<unknown> {
  const world = createWorld();
  const outcome = await run(opOf(world, edit), await tree(world, files));
  return outcome.ok ? outcome : outcome.failure;
}

const at = (path: string): string => `lib/modules/6.1/kernel/${path}`;
const kernel: Files = {
  [at('fs/ext4.ko')]: makeKernelModule(['jbd2', 'mbcache', 'crc16']),
  [at('fs/jbd2.ko')]: makeKernelModule(['crc16']),
  [at('fs/mbcache.ko')]: makeKernelModule([]),
  [at('lib/crc16.ko')]: makeKernelModule([]),
  [at('net/vmw-vsock.ko')]: makeKernelModule(['vsock']),
  [at('net/unused.ko')]: makeKernelModule([]),
  'lib/modules/6.1/modules.builtin': 'kernel/fs/overlay.ko\nkernel/net/vsock.ko\n',
};

describe('modules of a kernel', () => {
  test('come with what they need, and without what the kernel has built in', async () => {
    const { paths, list } = await added(kernel, {
      names: ['ext4', 'overlay', 'vmw_vsock'],
      releaseFile: '/etc/release',
    });
    expect(paths).toEqual([
      '/etc/release',
      ...['fs/ext4', 'fs/jbd2', 'fs/mbcache', 'lib/crc16', 'net/vmw-vsock'].map((path) => `/${at(`${path}.ko`)}`),
      '/lib/modules/6.1/modules.dep',
    ]);
    expect(list).toBe(
      [
        'kernel/fs/ext4.ko: kernel/fs/mbcache.ko kernel/fs/jbd2.ko kernel/lib/crc16.ko',
        'kernel/fs/jbd2.ko: kernel/lib/crc16.ko',
        'kernel/fs/mbcache.ko:',
        'kernel/lib/crc16.ko:',
        'kernel/net/vmw-vsock.ko:',
        '',
      ].join('\n'),
    );
  });

  test.each([
    ['gz', gzipSync],
    ['zst', zstdCompressSync],
    ['xz', (bytes: Buffer) => execFileSync('xz', ['-c'], { input: bytes })],
  ] as const)('may be compressed with %s, in /usr/lib, of other machines', async (ending, pack) => {
    const files = {
      [`usr/lib/modules/6.12/a.ko.${ending}`]: pack(makeKernelModule(['b-c'], { bits: 32, endian: 'big' })),
      [`usr/lib/modules/6.12/b_c.ko.${ending}`]: pack(makeKernelModule([])),
    };
    expect(await added(files, { names: ['a'] })).toEqual({
      paths: ['a.ko', 'b_c.ko', 'modules.dep'].map(
        (name) => `/lib/modules/6.12/${name}${name.endsWith('.ko') ? `.${ending}` : ''}`,
      ),
      list: `a.ko.${ending}: b_c.ko.${ending}\nb_c.ko.${ending}:\n`,
    });
  });

  test('that need each other are listed with each other', async () => {
    const files = { 'lib/modules/1/a.ko': makeKernelModule(['b']), 'lib/modules/1/b.ko': makeKernelModule(['a']) };
    expect((await added(files, { names: ['a'] })).list).toBe('a.ko: b.ko\nb.ko: a.ko\n');
  });

  test.each([
    [{}, {}, 'PK3810', 'has no folder'],
    [{ ...kernel, 'lib/modules/6.2/x': '' }, {}, 'PK3810', '6.1, 6.2'],
    [kernel, { release: '7' }, 'PK3810', '6.1'],
    [kernel, { names: ['ext5'] }, 'PK3811', 'ext4'],
    [{ [at('a.ko')]: makeKernelModule(['gone']) }, { names: ['a'] }, 'PK3811', 'modules.builtin'],
    [{ [at('a.ko')]: 'text' }, { names: ['a'] }, 'PK3305', undefined],
    [{ [at('a.ko')]: makeKernelModule([]).subarray(0, 200) }, { names: ['a'] }, 'PK3305', undefined],
  ] as const)('are refused when they are not there, case %#', async (files, edit, code, hint) => {
    const failure = await failing(files, edit);
    expect(failure).toMatchObject({ code, ...(hint !== undefined && { hint: expect.stringContaining(hint) }) });
  });

  test('are taken of the kernel that is named', async () => {
    const files = { ...kernel, 'lib/modules/6.2/a.ko': makeKernelModule([]) };
    expect((await added(files, { names: ['a'], release: '6.2' })).paths).toHaveLength(2);
  });
});
