import { createHash } from 'node:crypto';
import { mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { blob, bytesOf, context, createWorld, tree } from '../../test/ops/world.ts';
import { PortkitError } from '../base/errors.ts';
import type { BootSpec } from '../graph/ops.ts';
import { bootOp } from './boot.ts';
import type { BootFindings, BootOpWorld, BootRequest } from './boot.ts';

const scratch = mkdtempSync(join(tmpdir(), 'portkit-boot-op-'));
afterAll(() => rmSync(scratch, { recursive: true }));

const guest = { machine: 'x86_64', kernel: '6.1', cpus: 1, memory: 5 };
const spec: BootSpec = { type: 'boot', kernel: 0, initrd: 1, rootfs: 2, architecture: 'x86_64' };

/** Runs the op with a machine that is only played; what was asked of it is kept. */
async function trial(more: Partial<BootSpec> = {}, boot?: BootOpWorld['boot']) {
  const world = createWorld();
  const asked: (BootRequest & { readonly contents: readonly string[] })[] = [];
  const play: BootOpWorld['boot'] = async (request) => {
    const { kernel, initrd, rootfs } = request;
    asked.push({
      ...request,
      contents: [kernel, initrd, rootfs].map((path) => (path === undefined ? '' : readFileSync(path, 'utf8'))),
    });
    return { guest, files: request.files.map(({ path }) => ({ path, size: 3, sha256: 'ab'.repeat(32) })) };
  };
  const inputs = [await blob(world, 'the kernel'), await blob(world, 'the initrd'), await blob(world, 'the root')];
  const op = bootOp({ ...spec, ...more }, { ...world, scratch, boot: boot ?? play });
  const outcome = await op.run(inputs, context);
  const text = outcome.ok ? bytesOf(world, outcome.outputs[0]).toString() : '';
  return { asked, outcome, text, inputs };
}

describe('boot', () => {
  test('hands the images over as files that are gone afterwards', async () => {
    const { asked, outcome } = await trial({ memoryBytes: 2 ** 28, timeoutMs: 5000, append: 'a=b' });
    expect(outcome.ok).toBe(true);
    expect(asked).toMatchObject([
      {
        contents: ['the kernel', 'the initrd', 'the root'],
        memoryMiB: 256,
        timeoutMs: 5000,
        append: 'a=b',
        architecture: 'x86_64',
      },
    ]);
    expect(readdirSync(scratch)).toEqual([]);
    expect(() => readFileSync(asked[0]?.kernel ?? '')).toThrow('ENOENT');
  });

  test('says what was found, the same each time', async () => {
    const expected = createHash('sha256').update('guest\n').digest('hex');
    const { asked, text, inputs } = await trial({ expect: [{ path: '/etc/hostname', text: 'guest\n' }, { path: '/init' }] });
    expect(asked[0]?.files).toEqual([{ path: '/etc/hostname', sha256: expected }, { path: '/init' }]);
    expect(JSON.parse(text)).toEqual({
      version: 1,
      guest: { machine: 'x86_64', kernel: '6.1' },
      images: { kernel: inputs[0]?.digest, initrd: inputs[1]?.digest, rootfs: inputs[2]?.digest },
      files: ['/etc/hostname', '/init'].map((path) => ({ path, size: 3, sha256: 'ab'.repeat(32) })),
    });
    expect((await trial({ expect: [{ path: '/etc/hostname', text: 'guest\n' }, { path: '/init' }] })).text).toBe(text);
  });

  test('has everything in its key that decides whether it passes', async () => {
    const world = { ...createWorld(), scratch, boot: () => Promise.reject<BootFindings>(new Error('not now')) };
    const key = async (more: Partial<BootSpec>) => JSON.stringify(await bootOp({ ...spec, ...more }, world).facts(context));
    const changes: Partial<BootSpec>[] = [
      { rootfs: 1 },
      { architecture: 'aarch64' },
      { memoryBytes: 2 ** 28 },
      { append: 'x' },
      { expect: [{ path: '/a' }] },
      { expect: [{ path: '/a', text: '' }] },
    ];
    expect(new Set(await Promise.all([{}, ...changes].map(key))).size).toBe(changes.length + 1);
    expect(await key({ timeoutMs: 9000 })).toBe(await key({}));
  });

  test('takes the architecture of the kernel', async () => {
    const world = createWorld();
    const image = Buffer.alloc(64);
    image.write('ARM\x64', 56, 'latin1');
    const kernel = await blob(world, image);
    let asked: BootRequest | undefined;
    const boot: BootOpWorld['boot'] = (request) => ((asked = request), Promise.resolve({ guest, files: [] }));
    const op = (kernelAt: number) => bootOp({ type: 'boot', kernel: kernelAt }, { ...world, scratch, boot });
    expect(await op(0).run([kernel], context)).toMatchObject({ ok: true });
    expect(asked?.architecture).toBe('aarch64');
    expect(await op(0).run([await blob(world, 'text')], context)).toMatchObject({ ok: false, failure: { code: 'PK3701' } });
    expect(await op(0).run([await tree(world, {})], context)).toMatchObject({ ok: false, failure: { code: 'PK3306' } });
  });

  test('fails as the machine does', async () => {
    const boot = () => Promise.reject<BootFindings>(new PortkitError('PK3802', 'It ended', { hint: 'look' }));
    expect((await trial({}, boot)).outcome).toEqual({
      ok: false,
      failure: { code: 'PK3802', message: 'It ended', hint: 'look' },
    });
    expect(readdirSync(scratch)).toEqual([]);
  });

  test.each<Partial<BootSpec>>([
    { memoryBytes: 2 ** 20 },
    { memoryBytes: 2 ** 28 + 1 },
    { timeoutMs: 10 },
    { append: 'a\nb' },
    { expect: [{ path: 'init' }] },
    { expect: [{ path: '/init', sha256: 'AB' }] },
    { expect: [{ path: '/init', sha256: 'ab'.repeat(32), text: '' }] },
  ])('refuses %j', async (more) => {
    expect((await trial(more)).outcome).toMatchObject({ ok: false, failure: { code: 'PK1004' } });
  });
});
