import { execFileSync, spawnSync } from 'node:child_process';
import { gunzipSync, gzipSync, zstdCompressSync, zstdDecompressSync } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { cpioOf, entriesOf, plain, root, treeOf } from '../../test/formats/cpio.ts';
import { blob, bytesOf, context, createWorld, output, run, show, signal, tree } from '../../test/ops/world.ts';
import { makeVmlinux } from '../../test/kernels/samples.ts';
import { models } from '../../test/trees/arbitraries.ts';
import { rootPath, storeModel } from '../../test/trees/model.ts';
import { byteString } from '../base/byte-string.ts';
import { digestOf } from '../base/digest.ts';
import type { Ref } from '../base/ref.ts';
import type { FileEntry } from '../formats/file-tree.ts';
import { archiveOp } from './archive.ts';
import { compressOp } from './compress.ts';
import { cpioOp } from './cpio.ts';
import { decompressOp } from './decompress.ts';
import { extractOp } from './extract.ts';
import { mergeOp } from './merge.ts';

const failsWith = (code: string): unknown => ({ ok: false, failure: expect.objectContaining({ code }) });

/** An archive that GNU tar makes of a script's folder. */
function gnuTar(script: string): Buffer {
  const command = `set -e; dir=$(mktemp -d); cd "$dir"; mkdir in; cd in; ${script}; cd ..; tar --sort=name --mtime=@0 --owner=0 --group=0 -cf - -C in .; rm -r "$dir"`;
  return execFileSync('sh', ['-c', command], { maxBuffer: 2 ** 24 });
}

describe('cpio', () => {
  const files = {
    'bin/init': { file: 'run', mode: 0o755, mtime: { seconds: 7, nanos: 5 } },
    'bin/sh': { hardlink: 'bin/init' },
    'dev/console': { symlink: 'ttyS0' },
    big: Buffer.alloc(3_000_000, 'abc'),
    marked: { file: 'x', xattrs: [{ name: byteString('user.a'), value: Buffer.from('1') }] },
  } as const;

  test('is what the tree is, compressed or not', async () => {
    const world = createWorld();
    const input = await tree(world, files);
    const plainOne = bytesOf(world, await output(cpioOp({ type: 'cpio' }, world), input));
    const entries = await entriesOf(plainOne);
    expect(entries.map(({ path, type }) => `${path} ${type}`)).toEqual([
      ' dir',
      'big file',
      'bin dir',
      'bin/sh file',
      'bin/init hardlink',
      'dev dir',
      'dev/console symlink',
      'marked file',
    ]);
    expect(entries[3]).toMatchObject({ mode: 0o755, mtime: { seconds: 7, nanos: 0 }, content: 'run' });
    for (const [format, unpack] of [
      ['gzip', gunzipSync],
      ['zstd', zstdDecompressSync],
    ] as const) {
      const packed = bytesOf(world, await output(cpioOp({ type: 'cpio', compress: format, level: 1 }, world), input));
      expect(packed.length).toBeLessThan(plainOne.length / 10);
      expect(unpack(packed).equals(plainOne)).toBe(true);
      expect(await entriesOf(packed)).toEqual(entries);
    }
    for (const format of ['xz', 'lz4'] as const) {
      if (spawnSync(format, ['--version']).error !== undefined) continue;
      const packed = bytesOf(world, await output(cpioOp({ type: 'cpio', compress: format }, world), input));
      expect(packed.length).toBeLessThan(plainOne.length / 10);
      expect(execFileSync(format, ['-dc'], { input: packed, maxBuffer: 2 ** 24 }).equals(plainOne)).toBe(true);
      // The kernel knows no other sums of xz than CRC-32, and LZ4 in its legacy form only.
      expect(packed.toString('hex', 0, 8)).toMatch(format === 'xz' ? /^fd377a585a000001$/ : /^02214c18/);
      const compressed = await output(compressOp({ type: 'compress', format }, world), await blob(world, plainOne));
      expect(bytesOf(world, compressed).equals(packed)).toBe(true);
      expect(bytesOf(world, await output(decompressOp({ type: 'decompress' }, world), compressed)).equals(plainOne)).toBe(true);
    }
    expect(digestOf(plainOne)).toBe('sha256:a8ffcadd40c762e7f73fd73dbfa54b2b3f89049f456e7b7175ace34e07a92074');
  });

  test("and extract are each other's reverse, for any tree that a cpio can hold", async () => {
    await fc.assert(
      fc.asyncProperty(models, async (model) => {
        const world = createWorld();
        const batch = world.blobs.batch();
        for (const text of ['one', 'two']) batch.add(Buffer.from(text));
        const made = storeModel(model, (bytes) => batch.add(bytes)).get(rootPath);
        if (made === undefined) throw new Error('no root');
        // Once through a cpio, which has no fractions of seconds and no extended attributes, it has to stay what it is.
        const through = async (input: Ref): Promise<Ref> =>
          output(extractOp({ type: 'extract' }, world), await output(cpioOp({ type: 'cpio' }, world), input));
        const once = await through({ kind: 'tree', digest: made });
        expect(await through(once)).toEqual(once);
        const kept = (lines: readonly string[]): readonly string[] =>
          lines.map((line) => line.replace(/ @.*| [a-z]+\.\S*:.*/, ''));
        expect(kept(await show(world, once))).toEqual(kept(await show(world, { kind: 'tree', digest: made })));
      }),
      { numRuns: 100 },
    );
  });

  test('of several archives, compressed ones among them, is one tree', async () => {
    const world = createWorld();
    const [one, two] = await Promise.all([
      output(cpioOp({ type: 'cpio' }, world), await tree(world, { 'kernel/microcode': 'm' })),
      output(cpioOp({ type: 'cpio', compress: 'zstd' }, world), await tree(world, { init: 'i' })),
    ]);
    const both = Buffer.concat([bytesOf(world, one), bytesOf(world, two)]);
    const extracted = async (bytes: Buffer): Promise<readonly string[]> =>
      show(world, await output(extractOp({ type: 'extract' }, world), await blob(world, bytes)));
    const [init, ...microcode] = ['/init file 0644 0:0 "i"', '/kernel dir 0755 0:0', '/kernel/microcode file 0644 0:0 "m"'];
    expect(await extracted(both)).toEqual(['/ dir 0755 0:0', init, ...microcode]);
    expect(await extracted(gzipSync(bytesOf(world, one)))).toEqual(['/ dir 0755 0:0', ...microcode]);
    expect(await extracted(bytesOf(world, two))).toEqual(['/ dir 0755 0:0', init]);
  });

  test('with a socket is no tree', async () => {
    const world = createWorld();
    const entries: readonly FileEntry[] = [root, { ...plain, path: byteString('s'), type: 'socket' }];
    const bytes = await blob(world, await cpioOf(treeOf(entries)));
    expect(await run(extractOp({ type: 'extract' }, world), bytes)).toEqual(failsWith('PK3302'));
  });

  test('is checked against the kernel that shall unpack it', async () => {
    const world = createWorld();
    const input = await tree(world, files);
    const kernel = (config?: string) => blob(world, makeVmlinux(config === undefined ? {} : { config }));
    const said: string[] = [];
    const watched = { ...context, output: (_: string, bytes: Uint8Array) => said.push(Buffer.from(bytes).toString()) };
    const made = async (compress: 'none' | 'gzip' | 'zstd', config?: string) =>
      await cpioOp({ type: 'cpio', compress }, world).run([input, await kernel(config)], watched);
    const initrd = 'CONFIG_BLK_DEV_INITRD=y\n';
    expect(await made('gzip', `${initrd}CONFIG_RD_GZIP=y\n`)).toMatchObject({ ok: true });
    expect(await made('none', initrd)).toMatchObject({ ok: true });
    expect(await made('none', 'CONFIG_X=y\n')).toEqual(failsWith('PK3958'));
    expect(await made('zstd', `${initrd}CONFIG_RD_GZIP=y\n`)).toMatchObject({
      failure: { code: 'PK3958', message: expect.stringContaining('CONFIG_RD_ZSTD') },
    });
    expect(said.filter((line) => line.includes('not known'))).toEqual([]);
    expect(await made('zstd')).toMatchObject({ ok: true });
    expect(said.filter((line) => line.includes('not known'))).toHaveLength(1);
    const op = cpioOp({ type: 'cpio' }, world);
    expect(await op.run([input, await blob(world, 'no kernel')], context)).toEqual(failsWith('PK3701'));
    expect(await op.run([input, input], context)).toEqual(failsWith('PK3306'));
    expect(await op.run([], context)).toEqual(failsWith('PK3306'));
  });

  test('has one time when it is told one', async () => {
    const world = createWorld();
    const made = await output(cpioOp({ type: 'cpio', mtime: 99 }, world), await tree(world, files));
    const times = (await entriesOf(bytesOf(world, made))).flatMap((one) => (one.type === 'hardlink' ? [] : [one.mtime.seconds]));
    expect(new Set(times)).toEqual(new Set([99]));
  });

  test('tells whose extended attributes are left out', async () => {
    const world = createWorld();
    const said: string[] = [];
    const watched = { ...context, output: (_: string, bytes: Uint8Array) => said.push(Buffer.from(bytes).toString()) };
    const outcome = await cpioOp({ type: 'cpio' }, world).run([await tree(world, files)], watched);
    expect(outcome).toMatchObject({ ok: true });
    expect(said.join('')).toBe('/marked: a cpio has no extended attributes, they are left out\n');
    const xattrs = [{ name: byteString('user.a'), value: Buffer.from('1') }];
    const many = Object.fromEntries(Array.from({ length: 23 }, (_, at) => [`f${at}`, { file: '', xattrs }]));
    said.length = 0;
    await cpioOp({ type: 'cpio' }, world).run([await tree(world, many)], watched);
    expect(said).toHaveLength(21);
    expect(said.at(-1)).toBe('… and 3 more\n');
  });

  test('refuses what it cannot do', async () => {
    const world = createWorld();
    const input = await tree(world, files);
    for (const spec of [
      { level: 3 },
      { compress: 'gzip', level: 10 },
      { mtime: 2 ** 32 },
      { mtime: -1 },
      { mtime: 0.5 },
    ] as const)
      expect(await run(cpioOp({ type: 'cpio', ...spec }, world), input)).toEqual(failsWith('PK1004'));
    const trailer = await tree(world, { 'TRAILER!!!': 'x' });
    expect(await run(cpioOp({ type: 'cpio' }, world), trailer)).toEqual(failsWith('PK3601'));
    expect(await run(cpioOp({ type: 'cpio' }, world), await blob(world, 'x'))).toEqual(failsWith('PK3306'));
  });

  test('its facts are all that decides it', async () => {
    const facts = async (spec: object): Promise<string> =>
      JSON.stringify(await cpioOp({ type: 'cpio', ...spec }, createWorld()).facts(context));
    const specs = [{}, { compress: 'gzip' }, { compress: 'zstd' }, { compress: 'gzip', level: 1 }, { mtime: 0 }, { mtime: 1 }];
    expect(new Set(await Promise.all(specs.map(facts))).size).toBe(specs.length);
    expect(await facts({ compress: 'none' })).toBe(await facts({}));
  });
});

describe('archive and extract', () => {
  test("are each other's reverse, for any tree", async () => {
    await fc.assert(
      fc.asyncProperty(models, async (model) => {
        const world = createWorld();
        const batch = world.blobs.batch();
        for (const text of ['one', 'two']) batch.add(Buffer.from(text));
        const digest = storeModel(model, (bytes) => batch.add(bytes)).get(rootPath);
        if (digest === undefined) throw new Error('no root');
        const archive = await output(archiveOp({ type: 'archive', format: 'tar' }, world), { kind: 'tree', digest });
        expect(await output(extractOp({ type: 'extract' }, world), archive)).toEqual({ kind: 'tree', digest });
      }),
      { numRuns: 200 },
    );
  });

  test('the archive of a tree is one and the same, in a memory store as anywhere', async () => {
    const world = createWorld();
    const files = await tree(world, {
      'a/b': 'text',
      'a/c': { hardlink: 'a/b' },
      d: { symlink: 'a' },
      big: Buffer.alloc(70_000, 'x'),
    });
    const { digest } = await output(archiveOp({ type: 'archive', format: 'tar' }, world), files);
    expect(digest).toBe('sha256:bee49aa4bb0587b3d3b841d11008644af1d28288f30fb6fcc34951194d8b18f8');
  });

  test('what GNU tar made is read, compressed or not', async () => {
    const world = createWorld();
    const bytes = gnuTar(
      'mkdir -p d/e; echo text > d/e/f; ln d/e/f g; ln -s f d/e/s; chmod 0700 d; chmod 4755 g; head -c 300000 /dev/zero > z',
    );
    const expected = [
      '/ dir 0755 0:0',
      '/d dir 0700 0:0',
      '/d/e dir 0755 0:0',
      '/d/e/f file 4755 0:0 "text\n"',
      '/d/e/s symlink 0777 0:0 -> f',
      '/g file 4755 0:0 = d/e/f',
      `/z file 0644 0:0 "${'\0'.repeat(40)}"`,
    ];
    const xz = execFileSync('xz', ['-c'], { input: bytes });
    for (const packed of [bytes, gzipSync(bytes), zstdCompressSync(bytes), xz]) {
      expect(await show(world, await output(extractOp({ type: 'extract' }, world), await blob(world, packed)))).toEqual(expected);
    }
  });

  test('names are taken off the front', async () => {
    const world = createWorld();
    const bytes = gnuTar('mkdir -p linux-1/k; echo 1 > linux-1/a; ln linux-1/a linux-1/k/b');
    const packed = await blob(world, bytes);
    expect(await show(world, await output(extractOp({ type: 'extract', strip: 1 }, world), packed))).toEqual([
      '/ dir 0755 0:0',
      '/a file 0644 0:0 "1\n"',
      '/k dir 0755 0:0',
      '/k/b file 0644 0:0 = a',
    ]);
    expect(
      await show(
        world,
        await output(extractOp({ type: 'extract', strip: 2 }, world), await blob(world, gnuTar('mkdir -p a/b; echo 1 > a/b/c'))),
      ),
    ).toEqual(['/ dir 0755 0:0', '/c file 0644 0:0 "1\n"']);
    expect(await run(extractOp({ type: 'extract', strip: 2 }, world), packed)).toEqual(failsWith('PK3302'));
    const meeting = await blob(world, gnuTar('mkdir a b; echo 1 > a/x; echo 2 > b/x'));
    expect(await run(extractOp({ type: 'extract', strip: 1 }, world), meeting)).toEqual(failsWith('PK3302'));
    expect(Object.values((await extractOp({ type: 'extract', strip: 1 }, world).facts(context)).facts)).toEqual(['1']);
  });

  test('what is no archive, or damaged, fails the step', async () => {
    const world = createWorld();
    const op = extractOp({ type: 'extract' }, world);
    const bytes = gnuTar('echo text > f');
    const xz = execFileSync('xz', ['-c'], { input: bytes });
    expect(await run(op, await blob(world, 'no archive'))).toEqual(failsWith('PK3301'));
    expect(await run(op, await blob(world, gzipSync(bytes).subarray(0, -9)))).toEqual(failsWith('PK3304'));
    expect(await run(op, await blob(world, xz.subarray(0, -9)))).toEqual(failsWith('PK3304'));
    expect(await run(op, await tree(world, {}))).toEqual(failsWith('PK3306'));
    expect(await run(archiveOp({ type: 'archive', format: 'tar' }, world), await blob(world, ''))).toEqual(failsWith('PK3306'));
  });

  test('a blob that is gone is no failure of the step', async () => {
    const world = createWorld();
    await expect(run(extractOp({ type: 'extract' }, world), { kind: 'blob', digest: digestOf('gone') })).rejects.toMatchObject({
      code: 'PK2002',
    });
  });

  test('end when they are cancelled', async () => {
    const world = createWorld();
    const packed = await blob(world, gnuTar('echo 1 > a; echo 2 > b'));
    const controller = new AbortController();
    const stopping = { ...context, signal: controller.signal, transfer: () => controller.abort(new Error('stop')) };
    await expect(extractOp({ type: 'extract' }, world).run([packed], stopping)).rejects.toThrow('stop');
  });
});

describe('compress and decompress', () => {
  test.each(['gzip', 'zstd'] as const)('%s there and back', async (format) => {
    const world = createWorld();
    const plainText = await blob(world, 'some text\n'.repeat(1000));
    const packed = await output(compressOp({ type: 'compress', format }, world), plainText);
    expect(bytesOf(world, packed).length).toBeLessThan(200);
    expect(await output(compressOp({ type: 'compress', format, level: format === 'gzip' ? 6 : 3 }, world), plainText)).toEqual(
      packed,
    );
    expect(await output(decompressOp({ type: 'decompress' }, world), packed)).toEqual(plainText);
    expect(await output(decompressOp({ type: 'decompress', format }, world), packed)).toEqual(plainText);
  });

  test('xz is read by its program', async () => {
    const world = createWorld();
    const packed = execFileSync('xz', ['-c'], { input: 'text' });
    expect(bytesOf(world, await output(decompressOp({ type: 'decompress' }, world), await blob(world, packed))).toString()).toBe(
      'text',
    );
    const garbage = Buffer.concat([packed, Buffer.from('garbage')]);
    const failure = await run(decompressOp({ type: 'decompress', format: 'xz' }, world), await blob(world, garbage));
    expect(failure).toEqual(failsWith('PK3304'));
  });

  test('tell how far they are', async () => {
    const world = createWorld();
    const told: unknown[] = [];
    const input = await blob(world, 'text');
    await compressOp({ type: 'compress', format: 'gzip' }, world).run([input], {
      ...context,
      transfer: (...args) => told.push(args),
    });
    expect(told).toEqual([[4, 4]]);
  });

  test('name what decides the bytes', async () => {
    const world = createWorld();
    const { facts } = await compressOp({ type: 'compress', format: 'zstd', level: 19 }, world).facts(context);
    expect(facts).toEqual({ format: 'zstd', level: '19', library: expect.stringMatching(/^zstd [\d.]+$/) });
  });

  test('fail for another format, no format and a level that is not there', async () => {
    const world = createWorld();
    const packed = await blob(world, gzipSync('x'));
    expect(await run(decompressOp({ type: 'decompress', format: 'zstd' }, world), packed)).toEqual(failsWith('PK3306'));
    expect(await run(decompressOp({ type: 'decompress' }, world), await blob(world, 'plain'))).toEqual(failsWith('PK3306'));
    expect(await run(decompressOp({ type: 'decompress' }, world), packed, packed)).toEqual(failsWith('PK3306'));
    expect(await run(compressOp({ type: 'compress', format: 'gzip', level: 12 }, world), packed)).toEqual(failsWith('PK1004'));
  });
});

describe('merge', () => {
  test('lays trees over each other', async () => {
    const world = createWorld();
    const op = mergeOp({ type: 'merge' }, world);
    const [low, high] = [
      await tree(world, { a: '1', 'd/x': '1', t: { symlink: 'a' } }),
      await tree(world, { a: '2', 'd/y': '2', 't/u': '2' }),
    ];
    expect(await show(world, await output(op, low, high))).toEqual([
      '/ dir 0755 0:0',
      '/a file 0644 0:0 "2"',
      '/d dir 0755 0:0',
      '/d/x file 0644 0:0 "1"',
      '/d/y file 0644 0:0 "2"',
      '/t dir 0755 0:0',
      '/t/u file 0644 0:0 "2"',
    ]);
    expect(await output(op, low)).toEqual(low);
  });

  test('needs trees', async () => {
    const world = createWorld();
    const inputs: readonly Ref[] = [await tree(world, {}), await blob(world, '')];
    expect(await run(mergeOp({ type: 'merge' }, world), ...inputs)).toEqual(failsWith('PK3306'));
    expect(await run(mergeOp({ type: 'merge' }, world))).toEqual(failsWith('PK3306'));
    expect(signal.aborted).toBe(false);
  });
});
