import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { checkExt4 } from '../../../src/formats/ext4/check/check.ts';
import { readExt4 } from '../../../src/formats/ext4/read/tree.ts';
import { summaryOf } from '../../../src/formats/ext4/read/summary.ts';
import type { FileEntry, FileTree } from '../../../src/formats/file-tree.ts';
import { hostLines, treeLines } from './host-lines.ts';
import { fileImage, hasProgram, makeImage, makeTree } from './images.ts';

const { signal } = new AbortController();
const folder = mkdtempSync(join(tmpdir(), 'portkit-ext4-read-'));
const source = join(folder, 'source');
const readable: readonly (readonly string[])[] = [
  [],
  ['-O', '^extents,^64bit'],
  ['-O', '^metadata_csum'],
  ['-O', '^metadata_csum,uninit_bg'],
  ['-O', '^metadata_csum,^64bit', '-b', '2048'],
  ['-O', '^flex_bg', '-b', '1024', '-I', '128'],
  ['-O', 'metadata_csum_seed,orphan_file', '-b', '4096', '-I', '512'],
  ['-O', 'sparse_super2,^sparse_super,^resize_inode,^has_journal', '-b', '4096'],
  ['-O', 'none,ext_attr'],
  ['-O', 'none,extents,ext_attr', '-b', '4096'],
  ['-b', '4096', '-I', '1024'],
];
const written: readonly (readonly string[])[] = [
  [],
  ['-b', '1024', '-O', '^metadata_csum'],
  ['-O', '^extents,^64bit', '-I', '128'],
];
const refused = ['inline_data', 'bigalloc', 'encrypt', 'casefold', 'ea_inode', 'mmp', 'meta_bg,^resize_inode'];

beforeAll(() => makeTree(source));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe.skipIf(!hasProgram('mke2fs'))('images of mke2fs', () => {
  test.each(readable.map((options) => ({ options, name: options.join(' ') })))('$name', async ({ options }) => {
    const path = join(folder, 'read.img');
    rmSync(path, { force: true });
    makeImage(path, source, { options, size: '32M' });
    using image = fileImage(path);
    const tree = readExt4(image, { signal });
    expect(checkExt4(image, { signal })).toEqual([]);
    expect(listed(tree)).toEqual(debugfsLists(path, tree));
    const lines = await treeLines(
      { ...tree, entries: tree.entries.filter((entry) => entry.path !== 'lost+found') },
      { nanos: false },
    );
    expect(withoutTime(lines)).toEqual(withoutTime(hostLines(source, { nanos: false })));
  });

  test.each(refused)('%s is refused with a clear word', (feature) => {
    const path = join(folder, 'refused.img');
    rmSync(path, { force: true });
    makeImage(path, join(source, 'empty'), { options: ['-O', feature], size: '32M' });
    using image = fileImage(path);
    expect(() => readExt4(image, { signal })).toThrow(
      expect.objectContaining({ code: 'PK3552', message: expect.stringContaining(feature.split(',')[0] ?? '') }),
    );
  });

  test('a summary without the files', () => {
    const path = join(folder, 'summary.img');
    makeImage(path, join(source, 'empty'), {
      options: ['-L', 'grün', '-b', '4096', '-O', 'none,extents'],
      size: '8M',
    });
    using image = fileImage(path);
    expect(summaryOf(image)).toMatchObject({
      label: Buffer.from('grün').toString('latin1'),
      uuid: '01234567-89ab-cdef-0123-456789abcdef',
      features: ['extent'],
      blockSize: 4096,
      blocks: 2048,
      size: 8 * 2 ** 20,
    });
  });
});

/** Every name with its inode, mode and size, as far as the tree says them. */
function listed({ entries }: FileTree): readonly string[] {
  return entries
    .flatMap((entry) =>
      entry.type === 'file'
        ? [`${entry.path} ${entry.content} ${(0o100000 | entry.mode).toString(8)} ${String(entry.size)}`]
        : [],
    )
    .toSorted();
}

/** The same of the same paths as debugfs prints it. */
function debugfsLists(path: string, { entries }: FileTree): readonly string[] {
  const directories = entries.filter(({ type }) => type === 'dir').map((entry) => entry.path);
  const links = new Set(entries.filter(({ type }) => type === 'hardlink').map((entry) => entry.path));
  const input = Buffer.from(directories.map((directory) => `ls -p "/${directory}"\n`).join(''), 'latin1');
  const output = execFileSync('debugfs', ['-f', '-', path], { input, stdio: ['pipe', 'pipe', 'ignore'] }).toString('latin1');
  const lines: string[] = [];
  for (const [index, part] of output
    .split(/^debugfs: ls -p .*$/m)
    .slice(1)
    .entries()) {
    const parent = directories[index] ?? '';
    for (const line of part.split('\n')) {
      const [, inode, mode, , , name, size] = line.split('/');
      const full = parent === '' ? name : `${parent}/${name ?? ''}`;
      if (mode?.startsWith('10') === true && !links.has(full as FileEntry['path']))
        lines.push(`${full ?? ''} ${inode ?? ''} ${mode} ${size ?? ''}`);
    }
  }
  return lines.toSorted();
}

/** mke2fs gives the root the time of its making. */
function withoutTime(lines: readonly string[]): readonly string[] {
  return [(lines[0] ?? '').replace(/ \d+$/, ''), ...lines.slice(1)];
}

describe.skipIf(!canMount())('images that the kernel wrote', () => {
  test.each(written.map((options) => ({ options, name: options.join(' ') })))('$name', async ({ options }) => {
    const path = join(folder, 'kernel.img');
    const mounted = join(folder, 'mounted');
    rmSync(path, { force: true });
    mkdirSync(mounted, { recursive: true });
    makeImage(path, join(source, 'empty'), { options, size: '64M' });
    execFileSync('mount', ['-o', 'loop', path, mounted]);
    try {
      makeTree(join(mounted, 'tree'), 1500);
      execFileSync('sh', ['-c', kernelTree], { cwd: mounted });
    } finally {
      execFileSync('umount', [mounted]);
    }
    execFileSync('mount', ['-o', 'loop,ro', path, mounted]);
    try {
      using image = fileImage(path);
      expect(await treeLines(readExt4(image, { signal }), { nanos: true })).toEqual(hostLines(mounted, { nanos: true }));
      expect(checkExt4(image, { signal })).toEqual([]);
    } finally {
      execFileSync('umount', [mounted]);
    }
  });
});

/** Devices, owners, times far away, allocated and never written blocks, and a file in many pieces. */
const kernelTree = `
  mknod null c 1 3; mknod big b 259 70000; mkfifo fifo; chmod 4755 fifo; chown 100000:3000000000 fifo
  touch -h -d '1960-01-02 03:04:05.678' tree/a/b/l1; touch -d '2040-01-02 03:04:05.123456789' tree/empty 2>/dev/null
  setfattr -n trusted.one -v 0x000102 tree/empty; setfattr -n security.two -v two tree/a/b/c
  fallocate -l 100000 unwritten 2>/dev/null; echo begin | dd of=unwritten conv=notrunc status=none
  i=0; while [ $i -lt 60 ]; do echo $i | dd of=pieces bs=4096 seek=$((i * 2)) conv=notrunc status=none; i=$((i + 1)); done
`;

function canMount(): boolean {
  if (process.getuid?.() !== 0 || !hasProgram('mke2fs')) return false;
  const path = join(folder, 'probe.img');
  const mounted = join(folder, 'probe');
  mkdirSync(mounted);
  makeImage(path, mounted, { options: [], size: '8M' });
  const works = spawnSync('mount', ['-o', 'loop', path, mounted]).status === 0;
  if (works) execFileSync('umount', [mounted]);
  return works;
}
