import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { blob, context, createWorld, output, run, show, signal, tree } from '../../test/ops/world.ts';
import type { Standing } from '../../test/ops/world.ts';
import { models } from '../../test/trees/arbitraries.ts';
import { rootPath, storeModel } from '../../test/trees/model.ts';
import type { Ref } from '../base/ref.ts';
import type { TreeEdit } from '../graph/ops.ts';
import type { Outcome } from '../solver/op.ts';
import { archiveOp } from './archive.ts';
import { extractOp } from './extract.ts';
import { treeOp } from './tree.ts';

type Files = Readonly<Record<string, Standing>>;

/** The lines of the tree that edits make of these inputs, without its root. */
async function made(edits: readonly TreeEdit[], ...inputs: readonly (Files | string)[]): Promise<readonly string[]> {
  const world = createWorld();
  const refs = await Promise.all(inputs.map((one) => (typeof one === 'string' ? blob(world, one) : tree(world, one))));
  const lines = await show(world, await output(treeOp({ type: 'tree', edits }, world), ...refs));
  expect(lines[0]).toBe('/ dir 0755 0:0');
  return lines.slice(1);
}

async function failure(edits: readonly TreeEdit[], ...inputs: readonly (Files | string)[]): Promise<Outcome> {
  const world = createWorld();
  const refs = await Promise.all(inputs.map((one) => (typeof one === 'string' ? blob(world, one) : tree(world, one))));
  return run(treeOp({ type: 'tree', edits }, world), ...refs);
}

function failing(code: string, message = '', hint = ''): unknown {
  return {
    ok: false,
    failure: expect.objectContaining({
      code,
      message: expect.stringContaining(message),
      ...(hint && { hint: expect.stringContaining(hint) }),
    }),
  };
}

describe('new inodes', () => {
  test('have the same attributes everywhere unless said otherwise', async () => {
    const lines = await made([
      { write: '/etc/motd', text: 'hello\n' },
      { write: '/bin/x', base64: 'AAECAw==', mode: '4755', uid: 1, gid: 2, mtime: 3 },
      { mkdir: '/tmp', mode: '1777' },
      { mkdir: '/a/b' },
      { symlink: '/bin/sh', target: 'busybox' },
      { hardlink: '/bin/y', target: '/bin/x' },
      { device: '/dev/null', kind: 'char', major: 1, minor: 3, mode: '666' },
      { device: '/dev/disk', kind: 'block', major: 8, minor: 0 },
      { device: '/run/pipe', kind: 'fifo' },
      { xattr: '/bin/x', name: 'user.a', text: 'b' },
      { write: '/empty' },
    ]);
    expect(lines).toEqual([
      '/a dir 0755 0:0',
      '/a/b dir 0755 0:0',
      '/bin dir 0755 0:0',
      '/bin/sh symlink 0777 0:0 -> busybox',
      '/bin/x file 4755 1:2 "\0\u0001\u0002\u0003" @3.0 user.a:b',
      '/bin/y file 4755 1:2 = bin/x @3.0 user.a:b',
      '/dev dir 0755 0:0',
      '/dev/disk block 0644 0:0 8,0',
      '/dev/null char 0666 0:0 1,3',
      '/empty file 0644 0:0 ""',
      '/etc dir 0755 0:0',
      '/etc/motd file 0644 0:0 "hello\n"',
      '/run dir 0755 0:0',
      '/run/pipe fifo 0644 0:0',
      '/tmp dir 1777 0:0',
    ]);
  });

  test('take the place of files and links, never of directories', async () => {
    expect(
      await made([
        { write: 'a', text: '1' },
        { symlink: 'a', target: 'b' },
        { write: 'a', text: '2' },
      ]),
    ).toEqual(['/a file 0644 0:0 "2"']);
    for (const edit of [
      { write: 'd' },
      { symlink: 'd', target: 'x' },
      { device: 'd', kind: 'fifo' },
      { hardlink: 'd', target: 'f' },
      { copy: 0, path: 'g', to: 'd' },
    ] as const) {
      expect(await failure([{ write: 'd/x' }, { write: 'f' }, edit], { g: '' })).toEqual(failing('PK3308', '"d" is a directory'));
    }
    expect(await failure([{ write: 'f' }, { mkdir: 'f' }])).toEqual(failing('PK3308', '"f" is a file'));
    expect(await failure([{ write: '/' }])).toEqual(failing('PK3308'));
  });

  test('mkdir keeps what is there, and changes what it names', async () => {
    expect(await made([{ mkdir: 'd', mode: '0700', uid: 5 }, { write: 'd/f' }, { mkdir: 'd' }, { mkdir: 'd', gid: 6 }])).toEqual([
      '/d dir 0700 5:6',
      '/d/f file 0644 0:0 ""',
    ]);
  });

  test('are refused with values that are not allowed', async () => {
    for (const edit of [
      { write: 'a', mode: '0999' },
      { write: 'a', uid: -1 },
      { write: 'a', gid: 2 ** 32 },
      { write: 'a', mtime: 0.5 },
      { write: 'a', base64: 'AA' },
      { write: 'a', text: 'a', base64: 'AA==' },
      { device: 'a', kind: 'char', major: 1 },
      { device: 'a', kind: 'fifo', major: 1 },
      { device: 'a', kind: 'block', major: 1, minor: -1 },
      { xattr: '/', name: 'a' },
      { xattr: '/', name: 'user.a', text: 'x'.repeat(65_537) },
    ] as const) {
      expect(await failure([edit])).toEqual(failing('PK1004'));
    }
    for (const edit of [
      { write: '../a' },
      { write: 'a//b' },
      { mkdir: 'a/./b' },
      { write: `a\0b` },
      { write: 'x'.repeat(256) },
      { symlink: 'a', target: '' },
    ] as const) {
      expect(await failure([edit])).toEqual(failing('PK1003'));
    }
    expect(await failure([{ symlink: 'l', target: '/etc' }, { write: 'l/passwd' }])).toEqual(
      failing('PK1003', 'which is no directory'),
    );
  });
});

describe('changes of what is there', () => {
  const base: Files = {
    'd/e/f': { file: 'f', mode: 0o600 },
    'd/l': { symlink: 'e/f' },
    x: { hardlink: 'd/e/f' },
    'd/y': { hardlink: 'd/e/f' },
    z: 'z',
  };

  test('one file changes under all of its names', async () => {
    expect(
      await made(
        [
          { copy: 0, to: '/' },
          { chmod: 'd/y', mode: '0755' },
          { xattr: 'x', name: 'user.b', text: '2' },
          { xattr: 'x', name: 'user.a', text: '1' },
          { xattr: 'd/y', name: 'user.b', text: '3' },
        ],
        base,
      ),
    ).toEqual([
      '/d dir 0755 0:0',
      '/d/e dir 0755 0:0',
      '/d/e/f file 0755 0:0 "f" user.a:1 user.b:3',
      '/d/l symlink 0777 0:0 -> e/f',
      '/d/y file 0755 0:0 = d/e/f user.a:1 user.b:3',
      '/x file 0755 0:0 = d/e/f user.a:1 user.b:3',
      '/z file 0644 0:0 "z"',
    ]);
  });

  test('recursive changes reach everything below, and the other names of its files', async () => {
    const lines = await made(
      [
        { copy: 0, to: '/' },
        { chmod: 'd', mode: '0711', recursive: true },
        { chown: '/d/e', uid: 7, gid: 8, recursive: true },
      ],
      base,
    );
    expect(lines).toEqual([
      '/d dir 0711 0:0',
      '/d/e dir 0711 7:8',
      '/d/e/f file 0711 7:8 "f"',
      '/d/l symlink 0777 0:0 -> e/f',
      '/d/y file 0711 7:8 = d/e/f',
      '/x file 0711 7:8 = d/e/f',
      '/z file 0644 0:0 "z"',
    ]);
    expect(
      await made(
        [{ copy: 0, to: '/' }, { chown: '/', uid: 7, gid: 0, recursive: true }, { chown: '/', uid: 0, gid: 0 }, { remove: 'd' }],
        base,
      ),
    ).toEqual(['/x file 0600 7:0 "f"', '/z file 0644 7:0 "z"']);
  });

  test('what is missing is named, with what is near', async () => {
    const named = failing('PK3307', 'There is no "d/e/ff" in the tree', 'Did you mean "f"?');
    const copy = { copy: 0, to: '/' } as const;
    expect(await failure([copy, { remove: 'd/e/ff' }], base)).toEqual(named);
    expect(await failure([copy, { chmod: 'd/e/ff', mode: '0644' }], base)).toEqual(named);
    expect(await failure([copy, { chown: 'd/e/ff', uid: 0, gid: 0 }], base)).toEqual(named);
    expect(await failure([copy, { xattr: 'd/e/ff', name: 'user.a' }], base)).toEqual(named);
    expect(await failure([copy, { hardlink: 'a', target: 'd/e/ff' }], base)).toEqual(named);
    expect(await failure([{ copy: 0, path: 'd/e/ff', to: '/' }], base)).toEqual(named);
    expect(await failure([{ copy: 0, path: 'nothing', to: '/' }], base)).toEqual(
      failing('PK3307', '"nothing"', 'The root of the tree holds d, x, z'),
    );
    expect(await failure([{ copy: 0, path: 'z/q', to: '/' }], base)).toEqual(failing('PK3307', '"z/q"', '"z" is no directory'));
    expect(await failure([{ remove: 'a' }])).toEqual(failing('PK3307', '"a"', 'is empty'));
    expect(await failure([copy, { chmod: 'd/l', mode: '0644' }], base)).toEqual(failing('PK3308', 'symlink'));
    expect(await failure([copy, { hardlink: 'a', target: 'd' }], base)).toEqual(failing('PK1003'));
    expect(await failure([{ remove: '/' }])).toEqual(failing('PK3308'));
  });
});

describe('copy', () => {
  const source: Files = {
    'usr/bin/tool': { file: 'tool', mode: 0o755, uid: 5, mtime: { seconds: 9, nanos: 1 } },
    'usr/bin/also': { hardlink: 'usr/bin/tool' },
    'usr/lib/a.so': 'a',
    'usr/lib/b.txt': 'b',
    'usr/lib/deep/c.so': 'c',
    'usr/share': { dir: true, mode: 0o700 },
    bin: { symlink: 'usr/bin' },
  };
  const usr = { copy: 0, path: '/usr' } as const;

  test('a file goes to a path, or into a directory under its own name', async () => {
    const copy = { copy: 0, path: 'usr/lib/a.so' } as const;
    expect(await made([{ ...copy, to: '/x/y' }], source)).toEqual(['/x dir 0755 0:0', '/x/y file 0644 0:0 "a"']);
    expect(await made([{ ...copy, to: '/x/' }], source)).toEqual(['/x dir 0755 0:0', '/x/a.so file 0644 0:0 "a"']);
    expect(await made([{ ...copy, to: '/' }], source)).toEqual(['/a.so file 0644 0:0 "a"']);
    expect(await made([{ copy: 0, path: 'bin', to: 'b' }], source)).toEqual(['/b symlink 0777 0:0 -> usr/bin']);
  });

  test('a directory becomes the path, or goes into it, with its hard links', async () => {
    const bin = ['also file 0755 5:0 "tool" @9.1', 'tool file 0755 5:0 = '];
    expect(await made([{ copy: 0, path: 'usr/bin', to: '/b' }], source)).toEqual([
      '/b dir 0755 0:0',
      `/b/${bin[0]}`,
      `/b/${bin[1]}b/also @9.1`,
    ]);
    expect(await made([{ copy: 0, path: 'usr/bin', to: '/b/' }], source)).toEqual([
      '/b dir 0755 0:0',
      '/b/bin dir 0755 0:0',
      `/b/bin/${bin[0]}`,
      `/b/bin/${bin[1]}b/bin/also @9.1`,
    ]);
    expect(await made([{ copy: 0, path: 'usr/bin', to: '/' }], source)).toEqual([
      '/bin dir 0755 0:0',
      `/bin/${bin[0]}`,
      `/bin/${bin[1]}bin/also @9.1`,
    ]);
  });

  test('symlinks on the way are followed within the source', async () => {
    expect(await made([{ copy: 0, path: 'bin/tool', to: 't' }], source)).toEqual(['/t file 0755 5:0 "tool" @9.1']);
    const hostile: Files = {
      'a/up': { symlink: '../../../a' },
      'a/abs': { symlink: '/a' },
      'a/f': 'f',
      loop: { symlink: 'loop' },
    };
    expect(await made([{ copy: 0, path: 'a/up/abs/f', to: 't' }], hostile)).toEqual(['/t file 0644 0:0 "f"']);
    expect(await failure([{ copy: 0, path: 'loop/f', to: 't' }], hostile)).toEqual(failing('PK3307', '"loop/f"'));
  });

  test('the whole of a tree is that tree, for any tree', async () => {
    await fc.assert(
      fc.asyncProperty(models, async (model) => {
        const world = createWorld();
        const batch = world.blobs.batch();
        const digest = storeModel(model, (bytes) => batch.add(bytes)).get(rootPath);
        if (digest === undefined || model.size === 1) return;
        const whole: Ref = { kind: 'tree', digest };
        expect(await output(treeOp({ type: 'tree', edits: [{ copy: 0, to: '/' }] }, world), whole)).toEqual(whole);
        const kept: TreeEdit = { copy: 0, include: ['**'], to: '/' };
        expect(await output(treeOp({ type: 'tree', edits: [kept] }, world), whole)).toEqual(whole);
      }),
      { numRuns: 100 },
    );
  });

  test('directories that meet are joined: the new wins, the place keeps its attributes', async () => {
    const lines = await made(
      [
        { mkdir: '/opt', mode: '1777' },
        { write: '/opt/a', text: 'old' },
        { write: '/opt/b', text: 'old' },
        { copy: 0, to: '/opt' },
        { copy: 1, to: '/opt/sub/' },
      ],
      { a: 'new', 'sub/c': 'c' },
      { d: 'd' },
    );
    expect(lines).toEqual([
      '/opt dir 1777 0:0',
      '/opt/a file 0644 0:0 "new"',
      '/opt/b file 0644 0:0 "old"',
      '/opt/sub dir 0755 0:0',
      '/opt/sub/c file 0644 0:0 "c"',
      '/opt/sub/d file 0644 0:0 "d"',
    ]);
    expect(
      await failure(
        [
          { symlink: 'lib', target: 'usr/lib' },
          { copy: 0, to: '/lib/x/y' },
        ],
        { a: '' },
      ),
    ).toEqual(failing('PK3308', 'leads through "lib"'));
  });

  test('patterns choose, and names are taken off the front', async () => {
    expect(await made([{ ...usr, include: ['**/*.so'], to: '/o' }], source)).toEqual([
      '/o dir 0755 0:0',
      '/o/lib dir 0755 0:0',
      '/o/lib/a.so file 0644 0:0 "a"',
      '/o/lib/deep dir 0755 0:0',
      '/o/lib/deep/c.so file 0644 0:0 "c"',
    ]);
    expect(await made([{ ...usr, exclude: ['lib/deep', 'bin', '*/b.*'], to: '/o' }], source)).toEqual([
      '/o dir 0755 0:0',
      '/o/lib dir 0755 0:0',
      '/o/lib/a.so file 0644 0:0 "a"',
      '/o/share dir 0700 0:0',
    ]);
    expect(await made([{ ...usr, include: ['lib/**'], strip: 1, to: '/o' }], source)).toEqual([
      '/o dir 0755 0:0',
      '/o/a.so file 0644 0:0 "a"',
      '/o/b.txt file 0644 0:0 "b"',
      '/o/deep dir 0755 0:0',
      '/o/deep/c.so file 0644 0:0 "c"',
    ]);
    expect(await made([{ copy: 0, strip: 3, to: '/' }], source)).toEqual(['/c.so file 0644 0:0 "c"']);
    expect(await failure([{ ...usr, include: ['*.exe'], to: '/o' }], source)).toEqual(failing('PK3307', '"*.exe"'));
    expect(await failure([{ ...usr, strip: 9, to: '/o' }], source)).toEqual(failing('PK3307'));
    expect(await failure([{ copy: 0, path: 'usr/lib/a.so', strip: 1, to: '/o' }], source)).toEqual(failing('PK3308'));
  });

  test('owner and time are for everything, the mode for files', async () => {
    expect(await made([{ ...usr, exclude: ['lib', 'share'], mode: '0511', uid: 3, gid: 4, mtime: 0, to: '/o' }], source)).toEqual(
      ['/o dir 0755 3:4', '/o/bin dir 0755 3:4', '/o/bin/also file 0511 3:4 "tool"', '/o/bin/tool file 0511 3:4 = o/bin/also'],
    );
    expect(await made([{ copy: 0, path: 'usr/bin/tool', gid: 9, to: 't' }], source)).toEqual(['/t file 0755 5:9 "tool" @9.1']);
    expect(await made([{ copy: 0, path: 'bin', mode: '0600', to: 'b' }], source)).toEqual(['/b symlink 0777 0:0 -> usr/bin']);
  });

  test('a blob becomes a file', async () => {
    expect(await made([{ copy: 0, to: '/init', mode: '0755' }], 'init')).toEqual(['/init file 0755 0:0 "init"']);
    expect(await failure([{ copy: 0, to: '/dir/' }], 'init')).toEqual(failing('PK3308', 'without a name'));
    expect(await failure([{ copy: 0, path: 'x', to: '/f' }], 'init')).toEqual(failing('PK3308'));
    expect(await failure([{ copy: 3, to: '/f' }], 'init')).toEqual(failing('PK3306'));
  });
});

const somePaths = fc.constantFrom('/', 'a', 'a/b', '/a/b/c', 'a/h', 'a/', 'l', 'l/x', 'new', 'a/new', '..');
const someEdits: fc.Arbitrary<TreeEdit> = fc.oneof(
  fc.record({ copy: fc.nat(2), path: somePaths, to: somePaths }),
  fc.record({ copy: fc.nat(2), include: fc.constant(['a', '**/c']), strip: fc.nat(2), to: somePaths, mode: fc.constant('0700') }),
  fc.record({ write: somePaths, text: fc.constantFrom('', 'x') }),
  fc.record({ mkdir: somePaths, uid: fc.nat(1) }),
  fc.record({ symlink: somePaths, target: somePaths }),
  fc.record({ hardlink: somePaths, target: somePaths }),
  fc.record({ device: somePaths, kind: fc.constant('fifo' as const) }),
  fc.record({ remove: somePaths }),
  fc.record({ chmod: somePaths, mode: fc.constantFrom('0600', '8'), recursive: fc.boolean() }),
  fc.record({ chown: somePaths, uid: fc.nat(1), gid: fc.nat(1), recursive: fc.boolean() }),
  fc.record({ xattr: somePaths, name: fc.constantFrom('user.a', 'b'), text: fc.constant('v') }),
  fc.record({ elfLibs: somePaths, from: fc.nat(2), to: somePaths }),
);

describe('the op', () => {
  test('makes one and the same sound tree, or fails with a code, whatever the edits are', async () => {
    let worked = 0;
    await fc.assert(
      fc.asyncProperty(fc.array(someEdits, { maxLength: 4 }), models, async (more, model) => {
        const edits: readonly TreeEdit[] = [{ copy: 1, to: '/' }, ...more];
        const world = createWorld();
        const batch = world.blobs.batch();
        for (const text of ['one', 'two']) batch.add(Buffer.from(text));
        const digest = storeModel(model, (bytes) => batch.add(bytes)).get(rootPath);
        if (digest === undefined) throw new Error('no root');
        const own = await tree(world, { 'a/b/c': 'c', 'a/h': { hardlink: 'a/b/c' }, l: { symlink: 'a' } });
        const inputs = [{ kind: 'tree', digest } as const, own, await blob(world, 'blob')];
        const op = treeOp({ type: 'tree', edits }, world);
        const outcome = await run(op, ...inputs);
        expect(await run(op, ...inputs)).toEqual(outcome);
        if (!outcome.ok) {
          expect(outcome.failure.code).toMatch(/^PK(?:1003|1004|330[6-9])$/);
          return;
        }
        await op.narrow?.(inputs, signal);
        const archive = await output(archiveOp({ type: 'archive', format: 'tar' }, world), ...outcome.outputs);
        expect([await output(extractOp({ type: 'extract' }, world), archive)]).toEqual(outcome.outputs);
        worked += 1;
      }),
      { numRuns: 400 },
    );
    expect(worked).toBeGreaterThan(40);
  });

  test('stores nothing but the finished tree', async () => {
    const world = createWorld();
    const written: string[] = [];
    const recording = {
      ...world,
      blobs: {
        ...world.blobs,
        batch: () => {
          const batch = world.blobs.batch();
          return {
            ...batch,
            add: (bytes: Uint8Array) => (written.push(Buffer.from(bytes).toString('latin1')), batch.add(bytes)),
          };
        },
      },
    };
    const edits: readonly TreeEdit[] = [
      { write: 'a', text: 'given up' },
      { mkdir: 'd' },
      { write: 'a', text: 'stays' },
      { remove: 'd' },
    ];
    await output(treeOp({ type: 'tree', edits }, recording));
    expect(written).toHaveLength(2);
    expect(written.join()).toContain('stays');
    expect(written.join()).not.toContain('given up');
  });

  test('reads only what it copies, so a change elsewhere does not count', async () => {
    const world = createWorld();
    const edits: readonly TreeEdit[] = [
      { copy: 0, path: 'a', to: '/' },
      { copy: 0, path: 'b/f', to: '/' },
      { copy: 0, include: ['c/*.so'], to: '/' },
    ];
    const op = treeOp({ type: 'tree', edits }, world);
    const files = { 'a/x': '1', 'b/f': '2', 'b/g': '3', 'c/l.so': '4', 'c/t.txt': '5', e: '6' };
    const narrowed = async (changed: Files): Promise<unknown> =>
      op.narrow?.([await tree(world, { ...files, ...changed })], signal);
    const same = await narrowed({});
    for (const changed of [{ 'b/g': '!' }, { 'b/h': '!' }, { 'c/t.txt': '!' }, { e: '!' }])
      expect(await narrowed(changed)).toEqual(same);
    for (const changed of [{ 'a/x': '!' }, { 'a/y': '!' }, { 'b/f': '!' }, { 'c/l.so': '!' }, { 'c/m.so': '!' }]) {
      expect(await narrowed(changed)).not.toEqual(same);
    }
    const missing = await tree(world, {});
    expect(await op.narrow?.([missing], signal)).toEqual([missing, missing, missing]);
  });

  test('says every edit as a fact', async () => {
    const { facts } = await treeOp({ type: 'tree', edits: [{ mkdir: 'a' }, { remove: 'a' }] }, createWorld()).facts(context);
    expect(facts).toEqual({ 'edit 1': '{"mkdir":"a"}', 'edit 2': '{"remove":"a"}' });
  });
});
