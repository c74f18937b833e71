import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { randomNumbers } from '../../../test/formats/ext4/mutations.ts';
import { makeBzImage, makeVmlinux } from '../../../test/kernels/samples.ts';
import { blob, bytesOf, createWorld, output, run, signal, tree } from '../../../test/ops/world.ts';
import { byteString } from '../../base/byte-string.ts';
import { digestOf } from '../../base/digest.ts';
import type { Ref } from '../../base/ref.ts';
import { archiveOp } from '../../ops/archive.ts';
import { compressOp } from '../../ops/compress.ts';
import { cpioOp } from '../../ops/cpio.ts';
import { diskOp } from '../../ops/disk.ts';
import { ext4Op } from '../../ops/ext4.ts';
import { implied } from '../../ops/tar-entry.ts';
import { newTree, putEntry, writeTree } from '../../store/trees/editor.ts';
import { sbomOp } from '../sbom.ts';
import type { Subject } from './inventory.ts';
import { lookInto } from './look.ts';

const scratch = mkdtempSync(join(tmpdir(), 'portkit-sbom-image-'));
afterAll(() => rmSync(scratch, { recursive: true }));

const lend = () => ({ ...createWorld(), scratch: () => scratch, architecture: 'amd64' });
type World = ReturnType<typeof lend>;

const status = 'Package: bash\nStatus: install ok installed\nArchitecture: amd64\nVersion: 5.2\n';
const installed = 'P:musl\nV:1.2.5-r0\nA:x86_64\n\n';
const kernel = makeBzImage(makeVmlinux({ pvh: 1, config: 'CONFIG_B=y\n' }), { packing: 'gzip' });

/** A guest in which links lead to most of what is looked at. */
function guest(world: World): Promise<Ref> {
  return tree(world, {
    'usr/lib/apk/db/installed': installed,
    lib: { symlink: 'usr/lib' },
    'var/lib/dpkg/status': status,
    'var/lib/dpkg/status.d/tzdata': 'Package: tzdata\nVersion: 2024a-0\nArchitecture: all\n',
    'etc/os-release': { symlink: '../usr/lib/os-release' },
    'usr/lib/os-release': 'ID=debian\nVERSION_ID="12"\n',
    'data/kernel': kernel,
    'boot/vmlinuz-6.1': { hardlink: 'data/kernel' },
    'usr/bin/port-guest-agent': '\x7fELF agent',
    init: { symlink: 'usr/bin/port-guest-agent' },
    'var/log/large': 'line\n'.repeat(100_000),
  });
}

async function look(world: World, ref: Ref): Promise<Omit<Subject, 'digest' | 'kind'>> {
  const [subject, ...more] = await lookInto('guest', ref, { ...world, signal });
  if (subject === undefined || more.length > 0) throw new Error('There is one subject');
  const { digest: _, kind: __, ...told } = subject;
  return told;
}

const forms: readonly (readonly [string, (world: World, from: Ref) => Promise<Ref>])[] = [
  ['ext4', (world, from) => output(ext4Op({ type: 'ext4' }, { ...world, scratch }), from)],
  ['cpio', (world, from) => output(cpioOp({ type: 'cpio' }, world), from)],
  ['cpio.gz', (world, from) => output(cpioOp({ type: 'cpio', compress: 'gzip' }, world), from)],
  ['cpio.zst', (world, from) => output(cpioOp({ type: 'cpio', compress: 'zstd' }, world), from)],
  ['tar', (world, from) => output(archiveOp({ type: 'archive', format: 'tar' }, world), from)],
  [
    'tar.gz',
    async (world, from) => compressed(world, await output(archiveOp({ type: 'archive', format: 'tar' }, world), from), 'gzip'),
  ],
  [
    'ext4.zst',
    async (world, from) => compressed(world, await output(ext4Op({ type: 'ext4' }, { ...world, scratch }), from), 'zstd'),
  ],
];

function compressed(world: World, from: Ref, format: 'gzip' | 'zstd'): Promise<Ref> {
  return output(compressOp({ type: 'compress', format }, world), from);
}

test.each(forms)('the same is told of a tree and of its %s', async (_, make) => {
  const world = lend();
  const from = await guest(world);
  const told = await look(world, from);
  expect(told).toEqual({
    name: 'guest',
    system: { id: 'debian', version: '12' },
    packages: [
      expect.objectContaining({ manager: 'deb', name: 'bash' }),
      expect.objectContaining({ manager: 'deb', name: 'tzdata' }),
      expect.objectContaining({ manager: 'apk', name: 'musl' }),
    ],
    kernels: [
      {
        path: 'boot/vmlinuz-6.1',
        digest: (await blob(world, kernel)).digest,
        release: '6.1.155',
        architecture: 'x86_64',
        config: expect.stringMatching(/^sha256:/),
      },
    ],
    programs: [
      { name: 'port-guest-agent', path: 'usr/bin/port-guest-agent', digest: (await blob(world, '\x7fELF agent')).digest },
      { name: 'init', path: 'init', digest: (await blob(world, '\x7fELF agent')).digest },
    ],
    unread: [],
  });
  const made = await make(world, from);
  expect(await look(world, made)).toEqual(told);
  const op = sbomOp({ type: 'sbom', format: 'spdx', names: ['guest'] }, world);
  const again = lend();
  const repeated = sbomOp({ type: 'sbom', format: 'spdx', names: ['guest'] }, again);
  expect(await output(op, made)).toEqual(await output(repeated, await make(again, await guest(again))));
  expect(readdirSync(scratch)).toEqual([]);
});

test.each(forms)('%s that is cut or damaged is told as not read, at every length', async (name, make) => {
  const world = lend();
  const bytes = bytesOf(world, await make(world, await guest(world)));
  const whole = await look(world, await blob(world, bytes));
  const unread: string[] = [];
  for (const part of [0.02, 0.3, 0.6, 0.9, 0.98]) {
    const found = await look(world, await blob(world, bytes.subarray(0, Math.floor(bytes.length * part))));
    // A cut in what nobody looks at (the end of an ext4 image) may hide nothing.
    if (found.unread.length === 0) expect([name, found]).toEqual(['ext4', whole]);
    else expect(found).toMatchObject({ packages: [], kernels: [], programs: [] });
    unread.push(...found.unread);
  }
  expect(unread.length).toBeGreaterThan(1);
  for (const why of unread) expect(why).toMatch(/^PK3(?:30[1-4]|55[1-3]): /);
  expect(readdirSync(scratch)).toEqual([]);
});

test.each(forms)('%s with any byte changed is looked into, told as not read, or refused for its database', async (_, make) => {
  const world = lend();
  const bytes = bytesOf(world, await make(world, await guest(world)));
  const random = randomNumbers(7);
  for (let round = 0; round < 60; round += 1) {
    const changed = Buffer.from(bytes);
    // Most of what decides something is at the beginning.
    const reach = round % 2 === 0 ? bytes.length : Math.min(bytes.length, 16_384);
    for (let count = 1 + random(3); count > 0; count -= 1) changed[random(reach)] = random(256);
    try {
      const { unread } = await look(world, await blob(world, changed));
      for (const why of unread) expect(why).toMatch(/^PK3(?:30[1-4]|55[1-3]): |too large|are not read/);
    } catch (error) {
      expect(error).toMatchObject({ code: 'PK4104' });
    }
  }
  expect(readdirSync(scratch)).toEqual([]);
});

test('what is not read is a finding in both documents and a line of the log', async () => {
  const world = lend();
  const cut = bytesOf(world, await output(archiveOp({ type: 'archive', format: 'tar' }, world), await guest(world))).subarray(
    0,
    9000,
  );
  const erofs = Buffer.alloc(8192);
  erofs.writeUInt32LE(0xe0f5e1e2, 1024);
  const inputs = [await blob(world, cut), await blob(world, erofs), await tree(world, { 'var/lib/rpm/rpmdb.sqlite': 'x' })];
  const names = ['cut', 'erofs', 'fedora'];
  const log: string[] = [];
  const documents: any[] = [];
  for (const format of ['cyclonedx', 'spdx'] as const) {
    const op = sbomOp({ type: 'sbom', format, names }, world);
    const outcome = await op.run(inputs, {
      signal,
      output: (_, bytes) => void log.push(Buffer.from(bytes).toString()),
      transfer: () => undefined,
    });
    documents.push(JSON.parse(bytesOf(world, outcome.ok ? outcome.outputs[0] : undefined).toString()));
  }
  const [bom, spdx] = documents;
  expect(bom.compositions).toEqual([{ aggregate: 'incomplete', assemblies: ['input-1', 'input-2', 'input-3'] }]);
  expect(bom.components.map((one: any) => one.properties[0])).toEqual([
    { name: 'portkit:unread', value: expect.stringMatching(/^PK3301: /) },
    { name: 'portkit:unread', value: 'PK3302: The files in an erofs image are not read' },
    { name: 'portkit:unread', value: 'the packages that rpm has in var/lib/rpm are not read' },
  ]);
  expect(spdx.packages.slice(1).map((one: any) => one.comment)).toEqual([
    expect.stringMatching(/^Not looked into: PK3301: /),
    'Not looked into: PK3302: The files in an erofs image are not read',
    'Not looked into: the packages that rpm has in var/lib/rpm are not read',
  ]);
  expect(log).toHaveLength(6);
  expect(log[1]).toBe('warning: not all of erofs is told: PK3302: The files in an erofs image are not read\n');
});

test('what is packed twice and a malformed database are stopped', async () => {
  const world = lend();
  const zeros = await blob(world, Buffer.alloc(2 ** 20));
  expect((await look(world, await compressed(world, await compressed(world, zeros, 'zstd'), 'gzip'))).unread).toEqual([
    'PK3302: The files in something compressed with zstd are not read',
  ]);
  const bad = await tree(world, { 'lib/apk/db/installed': 'P:../x\nV:1\nA:x\n' });
  const image = await output(cpioOp({ type: 'cpio' }, world), bad);
  for (const input of [bad, image])
    expect(await run(sbomOp({ type: 'sbom', format: 'spdx', names: ['a'] }, world), input)).toEqual({
      ok: false,
      failure: expect.objectContaining({ code: 'PK4104' }),
    });
});

test('a file that says that it has terabytes is told as not looked at', async () => {
  const world = lend();
  const editor = newTree(implied, { blobs: world.blobs, signal });
  const entry = { ...implied, type: 'file' as const, content: digestOf('not there'), size: 2 ** 42 };
  for (const path of ['vmlinux', 'init']) await putEntry(editor, byteString(path), { entry, parents: implied });
  const { unread } = await look(world, { kind: 'tree', digest: await writeTree(editor) });
  expect(unread).toEqual(['"init" is too large to be looked at', '"vmlinux" is too large to be looked at']);
});

test('only so many files with names of kernels are looked at', async () => {
  const world = lend();
  const names = Array.from({ length: 65 }, (_, at) => [`Image.${at}`, 'no kernel'] as const);
  expect((await look(world, await tree(world, Object.fromEntries(names)))).unread).toEqual([
    'there are more than 64 files with names of kernels',
  ]);
});

test('a disk is told with its partitions, each as what is in it', async () => {
  const world = lend();
  const from = await guest(world);
  const root = await output(ext4Op({ type: 'ext4' }, { ...world, scratch }), from);
  const bytes = bytesOf(world, root);
  const erofs = Buffer.alloc(8192);
  erofs.writeUInt32LE(0xe0f5e1e2, 1024);
  const others = [await blob(world, 'anything'), await blob(world, erofs), await blob(world, bytes.subarray(0, 65_536))];
  const partitions = [0, 1, 2, 3].map((at) => ({ from: at, type: 'linux' }));
  const disk = await output(diskOp({ type: 'disk', partitions }, world), root, ...others);
  const { name: _, ...known } = await look(world, from);
  const nothing = { packages: [], kernels: [], programs: [] };
  for (const made of [disk, await compressed(world, disk, 'zstd')])
    expect(await lookInto('disk', made, { ...world, signal })).toEqual([
      { name: 'disk', kind: 'blob', digest: made.digest, ...nothing, unread: [] },
      { name: 'disk/partition-1', kind: 'part', digest: made.digest, ...known },
      { name: 'disk/partition-2', kind: 'part', digest: made.digest, ...nothing, unread: [] },
      {
        name: 'disk/partition-3',
        kind: 'part',
        digest: made.digest,
        ...nothing,
        unread: ['PK3302: The files in an erofs image are not read'],
      },
      { name: 'disk/partition-4', kind: 'part', digest: made.digest, ...nothing, unread: [expect.stringMatching(/^PK3/)] },
    ]);
  const cut = await blob(world, bytesOf(world, disk).subarray(0, 2 ** 20));
  expect((await look(world, cut)).unread).toEqual([expect.stringMatching(/^PK3752: /)]);
  expect(readdirSync(scratch)).toEqual([]);
});
