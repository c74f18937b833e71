import { expect, test } from 'vitest';
import { makeBzImage, makeImage, makeVmlinux, makeZboot } from '../../test/kernels/samples.ts';
import { blob, bytesOf, context, createWorld, output, run, signal, tree } from '../../test/ops/world.ts';
import { vmlinuxOp } from './vmlinux.ts';

const failsWith = (code: string, message = ''): unknown => ({
  ok: false,
  failure: expect.objectContaining({ code, message: expect.stringContaining(message) }),
});

const vmlinux = makeVmlinux({ pvh: 0x1000, padding: 5000 });
const bzImage = makeBzImage(vmlinux, { packing: 'lz4' });

test('the vmlinux of a bzImage, the Image of an EFI program, and what is one already', async () => {
  const world = createWorld();
  const op = vmlinuxOp({ type: 'vmlinux' }, world);
  expect(bytesOf(world, await output(op, await blob(world, bzImage))).equals(vmlinux)).toBe(true);
  const image = makeImage();
  expect(bytesOf(world, await output(op, await blob(world, makeZboot(image)))).equals(image)).toBe(true);
  const already = await blob(world, vmlinux);
  expect(await output(op, already)).toEqual(already);
});

test('the kernel is one file of a tree, by its path or by a pattern for its name', async () => {
  const world = createWorld();
  const packages = await tree(world, {
    'boot/vmlinuz-6.1': bzImage,
    'boot/config-6.1': 'text',
    'boot/initrd-1': 'one',
    'boot/initrd-2': 'two',
    'boot/odd[1]': bzImage,
    vmlinuz: { symlink: '/boot/vmlinuz-6.1' },
    boots: { symlink: 'boot' },
  });
  const take = (path: string) => run(vmlinuxOp({ type: 'vmlinux', path }, world), packages);
  for (const path of [
    'boot/vmlinuz-6.1',
    '/boot/vmlinuz-*',
    'boot/vmlinuz-[0-9].?',
    'vmlinuz',
    'boots/vmlinuz-*',
    'boot/odd[1]',
  ]) {
    const outcome = await take(path);
    expect(bytesOf(world, outcome.ok ? outcome.outputs[0] : undefined).equals(vmlinux)).toBe(true);
  }
  expect(await take('boot/vmlinux-*')).toEqual(failsWith('PK3307'));
  expect(await take('boat/vmlinuz-*')).toEqual(failsWith('PK3307'));
  expect(await take('boot/initrd-*')).toEqual(failsWith('PK3306', 'matches 2 names'));
  expect(await take('boo?')).toEqual(failsWith('PK3306'));
  expect(await take('boot')).toEqual(failsWith('PK3306', 'no file but a dir'));
  expect(await take('boot/../../etc/passwd')).toEqual(failsWith('PK1003'));
  expect(await take('boot/config-6.1')).toEqual(failsWith('PK3701'));
});

test('of a tree only the kernel counts', async () => {
  const world = createWorld();
  const op = vmlinuxOp({ type: 'vmlinux', path: 'boot/vmlinuz-*' }, world);
  const kernel = await blob(world, bzImage);
  const one = await tree(world, { 'boot/vmlinuz-6.1': bzImage, other: 'one' });
  const two = await tree(world, { 'boot/vmlinuz-6.2': bzImage, other: 'two' });
  expect(await op.narrow?.([one], signal)).toEqual([kernel]);
  expect(await op.narrow?.([two], signal)).toEqual([kernel]);
  const without = await tree(world, { other: 'one' });
  expect(await op.narrow?.([without], signal)).toEqual([without]);
});

test('what the step cannot work on is said', async () => {
  const world = createWorld();
  const [file, folder] = [await blob(world, bzImage), await tree(world, { vmlinuz: bzImage })];
  expect(await run(vmlinuxOp({ type: 'vmlinux' }, world), folder)).toEqual(failsWith('PK3306', 'which file'));
  expect(await run(vmlinuxOp({ type: 'vmlinux', path: 'vmlinuz' }, world), file)).toEqual(failsWith('PK3306'));
  const op = vmlinuxOp({ type: 'vmlinux' }, world);
  expect(await run(op, await blob(world, 'text'))).toEqual(failsWith('PK3701'));
  expect(await run(op, await blob(world, bzImage.subarray(0, -400)))).toEqual(failsWith('PK3702'));
  expect(await run(op, await blob(world, makeBzImage(vmlinux, { packing: 'lzo' })))).toEqual(failsWith('PK3703', 'lzo'));
  expect(await op.facts(context)).toEqual({ facts: { path: '' } });
});
