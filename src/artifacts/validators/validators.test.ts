import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { PassThrough } from 'node:stream';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import {
  goodGuest,
  goodInitrd,
  guestImage,
  guestImageWithHoles,
  guestInitrd,
  sampleProgram,
} from '../../../test/artifacts/guest-samples.ts';
import type { GuestFiles } from '../../../test/artifacts/guest-samples.ts';
import { makeElf } from '../../../test/formats/elf.ts';
import { whyNoTools } from '../../../test/formats/ext4-judges.ts';
import { makeBzImage, makeImage, makeVmlinux } from '../../../test/kernels/samples.ts';
import { PortkitError } from '../../base/errors.ts';
import { runProgram } from '../../ops/run-program.ts';
import type { RunProgram } from '../../ops/run-program.ts';
import type { Artifact } from '../model/artifact.ts';
import { filesOf } from '../model/paths.ts';
import type { Selector } from '../model/selector.ts';
import { builtBy, validate } from '../workflow/validate.ts';
import { validatorsOver } from './index.ts';

const { signal } = new AbortController();
let project: string;
beforeEach(() => {
  project = mkdtempSync(join(tmpdir(), 'portkit-validators-'));
});
afterEach(() => rmSync(project, { recursive: true }));

const notInstalled: RunProgram = () => ({
  stdout: new PassThrough().end(),
  ended: Promise.reject(new PortkitError('PK6901', 'not installed')),
});

/** Programs that say what they are given to say, by their name; all others are not installed. */
function saying(programs: Readonly<Record<string, { readonly stdout: string; readonly status?: number }>>): RunProgram {
  return (call) => {
    const said = programs[call.argv[0]];
    if (said === undefined) return notInstalled(call);
    return { stdout: new PassThrough().end(said.stdout), ended: Promise.resolve({ status: said.status ?? 0, stderr: '' }) };
  };
}

const selectorOf = (text: string): Selector => {
  const [architecture, substrate, protection_mode] = text.split('/');
  return { architecture, substrate, protection_mode } as Selector;
};

/** Validates the variant of a selector; its files and those of other variants are written first. */
async function findings(
  kind: Artifact['kind'],
  selector: string,
  {
    files,
    run = notInstalled,
    initrd,
  }: { readonly files: Readonly<Record<string, Uint8Array>>; readonly run?: RunProgram; readonly initrd?: string },
): Promise<readonly string[]> {
  const name = kind === 'kernel' ? 'vmlinux' : 'rootfs.ext4';
  const variants = [...new Set([selector, selector.replace('pvm', 'standard')])].map((text) => ({
    selector: selectorOf(text),
    path: `${text}/${name}`,
    ...(initrd !== undefined && { build: { step: 'rootfs', initrd } }),
  }));
  const artifact: Artifact = {
    kind,
    name: 'demo',
    reference: { registry: 'r', repository: 'p', version: 'v' },
    cacheRoot: 'cache',
    variants,
  };
  for (const [path, bytes] of Object.entries(files)) {
    mkdirSync(dirname(join(project, path)), { recursive: true });
    writeFileSync(join(project, path), bytes);
  }
  const unxz = (): never => {
    throw new Error('There is no xz here');
  };
  const openKernel = (path: string) =>
    Promise.resolve({ content: chunk(files[path.slice(project.length + 1)] ?? Buffer.alloc(0)), unxz });
  const validators = validatorsOver({ project, scratch: project, unxz, run, path: '', openKernel });
  const refused = (): Promise<never> => Promise.reject(new Error('nothing is written'));
  const workplace = {
    project,
    takeLock: refused,
    registries: { openRepository: refused, waiting: { pause: refused, settle: refused } },
    signal,
  };
  const [variant] = variants;
  if (variant === undefined) throw new Error('There is no variant');
  const { findings: found, files: seen } = await validate({ artifact, variant }, validators, workplace);
  expect(seen.length).toBeLessThanOrEqual(filesOf(variant).length);
  return found.map(({ check, path, message }) => `${path.slice(selector.length + 1)}: ${check}: ${message}`);
}

async function* chunk(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes;
}

describe('kernels', () => {
  const kernel = (selector: string, bytes: Uint8Array, more: Readonly<Record<string, Uint8Array>> = {}) =>
    findings('kernel', selector, { files: { [`${selector}/vmlinux`]: bytes, ...more } });

  test.each([
    ['x86_64/firecracker/standard', makeVmlinux()],
    ['x86_64/firecracker/standard', makeBzImage(makeVmlinux())],
    ['x86_64/firecracker/pvm', makeVmlinux({ config: 'CONFIG_PVM_GUEST=y\n' })],
    ['x86_64/firecracker/pvm', makeVmlinux({ symbols: ['pvm_early_setup'] })],
    ['x86_64/cloud-hypervisor/standard', makeVmlinux({ pvh: 0x1000 })],
    ['aarch64/firecracker/standard', makeImage()],
    ['aarch64/avf/standard', makeImage()],
  ])('for %s', async (selector, bytes) => {
    expect(await kernel(selector, bytes)).toEqual([]);
  });

  test.each([
    ['another machine', 'aarch64/firecracker/standard', makeVmlinux(), 'it is for x86_64'],
    ['another container', 'aarch64/firecracker/standard', makeVmlinux({ machine: 183 }), 'it is an ELF vmlinux'],
    ['no PVH note', 'x86_64/cloud-hypervisor/standard', makeVmlinux(), 'it has no PVH note'],
    ['no PVM_GUEST', 'x86_64/firecracker/pvm', makeVmlinux({ config: 'CONFIG_PVH=y\n' }), 'does not show CONFIG_PVM_GUEST'],
    ['nothing known of PVM', 'x86_64/firecracker/pvm', makeVmlinux(), 'neither its configuration inside nor symbols'],
    ['no kernel', 'x86_64/firecracker/standard', Buffer.from('#!/bin/sh\n'), 'PK3701'],
    ['a lane without kernels', 'x86_64/avf/pvm', makeBzImage(makeVmlinux()), 'no kernel is known'],
  ])('%s is a finding', async (_, selector, bytes, words) => {
    expect(await kernel(selector, bytes)).toEqual([expect.stringMatching(new RegExp(`^vmlinux: kernel: .*${words}`))]);
  });

  test('the pvm kernel is not the standard one', async () => {
    const bytes = makeVmlinux({ symbols: ['pvm_early_setup'] });
    const standard = { 'x86_64/firecracker/standard/vmlinux': bytes };
    expect(await kernel('x86_64/firecracker/pvm', bytes, standard)).toEqual([
      'vmlinux: own-file: it is the same file as the standard one, x86_64/firecracker/standard/vmlinux',
    ]);
    expect(await kernel('x86_64/firecracker/standard', bytes, standard)).toEqual([]);
  });
});

const pvm = 'x86_64/firecracker/pvm';

async function guest(
  files: GuestFiles,
  {
    plain = [],
    initrd,
    selector = pvm,
    run,
  }: { plain?: readonly string[]; initrd?: Uint8Array; selector?: string; run?: RunProgram } = {},
): Promise<readonly string[]> {
  return findings('guest-image', selector, {
    files: {
      [`${selector}/rootfs.ext4`]: await guestImage(files, plain),
      [`${selector}/initrd.cpio.gz`]: initrd ?? (await guestInitrd(goodInitrd)),
    },
    initrd: 'initrd',
    ...(run !== undefined && { run }),
  });
}

describe('guest images', () => {
  test('that are right, with BusyBox and in the minimal mode of the agent', async () => {
    expect(await guest(goodGuest)).toEqual([]);
    const { '/usr/bin/port-guest-agent': agent } = goodGuest;
    const minimal = { ...goodGuest, '/bin/busybox': undefined, '/bin/sh': undefined };
    expect(await guest({ ...minimal, '/init': { link: 'usr/bin/port-guest-agent' } })).toEqual([]);
    expect(await guest({ ...minimal, '/init': agent })).toEqual([]);
    const unmarked = { ...goodGuest, '/etc/port-protection-mode': undefined, '/etc/port-guest-architecture': undefined };
    expect(await guest(unmarked, { selector: 'x86_64/firecracker/standard' })).toEqual([]);
    const modules = { '/etc/port-kernel-modules-release': '6.1.0-1\n', '/lib/modules/6.1.0-1/modules.dep': '' };
    expect(await guest({ ...goodGuest, ...modules }, { initrd: await guestInitrd({ ...goodInitrd, ...modules }) })).toEqual([]);
  });

  const arm = sampleProgram(183);
  test.each<[string, GuestFiles, readonly string[], string]>([
    ['no /init', { '/init': undefined }, [], 'file: /init is not there'],
    ['a broken link', { '/init': { link: 'nowhere' } }, [], 'file: /init is not there'],
    ['an /init that cannot be started', {}, ['/init'], 'executable: /init is not executable'],
    [
      'a script without the agent',
      { '/init': '#!/bin/sh\n# port-guest-agent\nexec my-port-guest-agent.sh\n' },
      [],
      'init: /init does not launch port-guest-agent',
    ],
    ['a script without its interpreter', { '/init': '#!/bin/bash\nport-guest-agent\n' }, [], 'file: /bin/bash is not there'],
    ['a script that names nothing', { '/init': '#! \nport-guest-agent\n' }, [], 'init: /init names no interpreter'],
    [
      'an /init that is another program',
      { '/init': sampleProgram() },
      [],
      'init: /init is neither a script nor port-guest-agent itself',
    ],
    ['no agent', { '/usr/bin/port-guest-agent': undefined }, [], 'file: /usr/bin/port-guest-agent is not there'],
    [
      'an agent that cannot be started',
      {},
      ['/usr/bin/port-guest-agent'],
      'executable: /usr/bin/port-guest-agent is not executable',
    ],
    [
      'an agent that is a script',
      { '/usr/bin/port-guest-agent': '#!/bin/sh\n' },
      [],
      'program: /usr/bin/port-guest-agent is no program (ELF)',
    ],
    [
      'an agent for another machine',
      { '/usr/bin/port-guest-agent': arm },
      [],
      'program: /usr/bin/port-guest-agent is for another machine than x86_64 (ELF machine 183, 64 bits)',
    ],
    [
      'an agent that is damaged',
      { '/usr/bin/port-guest-agent': makeElf({}).subarray(0, 70) },
      [],
      'program: PK3305: The ELF file is malformed: something lies outside of the file',
    ],
    [
      'no loader',
      { '/lib/ld.so': undefined },
      [],
      'library: PK3309: "usr/bin/port-guest-agent" is loaded by "/lib/ld.so", which is not there',
    ],
    [
      'no library',
      { '/lib/libc.so': undefined },
      [],
      'library: PK3309: "usr/bin/port-guest-agent" needs "libc.so", which is not there',
    ],
    [
      'links to a BusyBox that is not there',
      { '/init': { link: 'usr/bin/port-guest-agent' }, '/bin/busybox': undefined },
      [],
      'file: /bin/busybox is not there',
    ],
    ['no mode', { '/etc/port-protection-mode': undefined }, [], 'marker: /etc/port-protection-mode is not there'],
    [
      'another mode',
      { '/etc/port-protection-mode': 'standard\n' },
      [],
      'marker: /etc/port-protection-mode is "standard", and should be "pvm"',
    ],
    ['no architecture', { '/etc/port-guest-architecture': undefined }, [], 'marker: /etc/port-guest-architecture is not there'],
    [
      'another architecture',
      { '/etc/port-guest-architecture': 'aarch64' },
      [],
      'marker: /etc/port-guest-architecture is "aarch64", and should be "x86_64"',
    ],
    [
      'no list of modules',
      { '/etc/port-kernel-modules-release': '6.1' },
      [],
      'modules: /lib/modules/6.1/modules.dep is not there',
    ],
    [
      'a release that is a path',
      { '/etc/port-kernel-modules-release': '..' },
      [],
      'modules: /etc/port-kernel-modules-release names no release',
    ],
  ])('%s is a finding', async (_, changed, plain, expected) => {
    expect(await guest({ ...goodGuest, ...changed }, { plain })).toEqual([`rootfs.ext4: ${expected}`]);
  });

  test('files that only say that they are large cost nothing', async () => {
    const image = await guestImageWithHoles(goodGuest, ['/data', '/etc/port-protection-mode', '/lib/libc.so']);
    const files = { [`${pvm}/rootfs.ext4`]: image, [`${pvm}/initrd.cpio.gz`]: await guestInitrd(goodInitrd) };
    expect(await findings('guest-image', pvm, { files })).toEqual([
      expect.stringMatching(/library: PK3303: .* more than 536870912 bytes/),
      expect.stringMatching(/marker: PK3303: .* more than 1048576 bytes/),
    ]);
  });

  test('a script of a million empty lines is read once', async () => {
    const started = performance.now();
    const init = `#!/bin/sh\n${'\n'.repeat(2 ** 20 - 20)}`;
    expect(await guest({ ...goodGuest, '/init': init })).toEqual(['rootfs.ext4: init: /init does not launch port-guest-agent']);
    expect(performance.now() - started).toBeLessThan(5000);
  });

  test('everything at once, in image and initrd', async () => {
    const wrong = { '/init': '#!/bin/sh\nexec sh\n', '/bin/sh': { link: 'busybox' }, '/etc/port-protection-mode': 'standard' };
    const initrd = await guestInitrd({ '/etc/port-kernel-modules-release': '6.1' });
    expect(await guest(wrong, { initrd })).toEqual([
      'rootfs.ext4: file: /bin/sh is not there',
      'rootfs.ext4: init: /init does not launch port-guest-agent',
      'rootfs.ext4: file: /usr/bin/port-guest-agent is not there',
      'rootfs.ext4: file: /bin/busybox is not there',
      'rootfs.ext4: marker: /etc/port-protection-mode is "standard", and should be "pvm"',
      'rootfs.ext4: marker: /etc/port-guest-architecture is not there',
      'initrd.cpio.gz: file: initrd.cpio.gz: /init is not there',
      'initrd.cpio.gz: modules: initrd.cpio.gz: /lib/modules/6.1/modules.dep is not there',
    ]);
  });

  test('damage that only the checker sees, and an image that cannot be read', async () => {
    const image = await guestImage(goodGuest);
    image.writeUInt32LE(3, 1024 + 12);
    const files = { [`${pvm}/initrd.cpio.gz`]: await guestInitrd(goodInitrd) };
    const found = await findings('guest-image', pvm, { files: { ...files, [`${pvm}/rootfs.ext4`]: image } });
    expect(found).toEqual([expect.stringMatching(/^rootfs.ext4: ext4: .*free blocks/i)]);
    const text = { ...files, [`${pvm}/rootfs.ext4`]: Buffer.alloc(9000, 'text') };
    expect(await findings('guest-image', pvm, { files: text })).toEqual([
      expect.stringContaining('ext4: the superblock: the magic number'),
      expect.stringContaining('contents: PK3951'),
    ]);
  });

  test.each<[string, GuestFiles | string, string]>([
    ['without /init', { '/bin/sh': sampleProgram() }, 'file: initrd.cpio.gz: /init is not there'],
    ['for another machine', { '/init': arm }, 'program: initrd.cpio.gz: /init is for another machine than x86_64'],
    ['that is no archive', 'text', 'initrd: PK3951'],
    ['that is cut off', '070701', 'initrd: PK33'],
  ])('an initrd %s is a finding', async (_, files, expected) => {
    const initrd = typeof files === 'string' ? Buffer.from(files) : await guestInitrd(files);
    const found = await guest(goodGuest, { initrd });
    expect(found).toEqual([expect.stringContaining(`initrd.cpio.gz: ${expected}`)]);
  });

  test('what Firecracker boots on x86_64 has an initrd, though the definition names none', async () => {
    const rootfs = await guestImage({ ...goodGuest, '/etc/port-protection-mode': 'standard' });
    const check = (selector: string, initrd?: Uint8Array) =>
      findings('guest-image', selector, {
        files: { [`${selector}/rootfs.ext4`]: rootfs, ...(initrd && { [`${selector}/initrd.cpio.gz`]: initrd }) },
      });
    const selector = 'x86_64/firecracker/standard';
    expect(await check(selector)).toEqual(['rootfs.ext4: initrd: initrd.cpio.gz is not there beside the image']);
    expect(await check(selector, Buffer.alloc(0))).toEqual(['rootfs.ext4: initrd: initrd.cpio.gz is empty beside the image']);
    expect(await check(selector, await guestInitrd({ '/init': arm }))).toHaveLength(1);
    expect(await check(selector, await guestInitrd(goodInitrd))).toEqual([]);
    expect(await check('x86_64/cloud-hypervisor/standard')).toEqual([]);
  });
});

describe('the judges of e2fsprogs', () => {
  const passes = 'Pass 1: Checking inodes, blocks, and sizes\nPass 5: Checking group summary information\n';
  const summary = '/a: 12/32 files (0.0% non-contiguous), 40/100 blocks\n';
  const inode = { stdout: 'Inode: 12   Type: regular\n' };

  test('agree with what is right', async () => {
    expect(await guest(goodGuest, { run: saying({ e2fsck: { stdout: passes + summary }, debugfs: inode }) })).toEqual([]);
  });

  test('agree when they are the real ones', async ({ skip }) => {
    const reason = whyNoTools();
    skip(reason !== undefined, reason);
    const run: RunProgram = (call) => runProgram({ ...call, env: { ...call.env, PATH: `${process.env['PATH']}:/usr/sbin` } });
    expect(await guest(goodGuest, { run })).toEqual([]);
    const image = await guestImage(goodGuest);
    image.writeUInt32LE(3, 1024 + 12);
    const files = { [`${pvm}/rootfs.ext4`]: image, [`${pvm}/initrd.cpio.gz`]: await guestInitrd(goodInitrd) };
    const found = await findings('guest-image', pvm, { files, run });
    expect(found).toContainEqual(expect.stringContaining('e2fsck: Free blocks count wrong'));
    expect(found).not.toContainEqual(expect.stringContaining('debugfs'));
    const empty = await guest({}, { run });
    expect(empty).toContain('rootfs.ext4: debugfs: it finds no /init');
  });

  test('are believed by their words, whatever their status is', async () => {
    const stdout = `${passes}Free blocks count wrong (5, counted=13773).\nFix? no\n${summary}`;
    expect(await guest(goodGuest, { run: saying({ e2fsck: { stdout } }) })).toEqual([
      'rootfs.ext4: e2fsck: Free blocks count wrong (5, counted=13773).',
      'rootfs.ext4: e2fsck: Fix? no',
    ]);
    const flood = await guest(goodGuest, { run: saying({ e2fsck: { stdout: 'Fix? no\n'.repeat(1000) } }) });
    expect(flood).toHaveLength(101);
    expect(flood.at(-1)).toBe('rootfs.ext4: e2fsck: and 900 more lines');
    expect(await guest(goodGuest, { run: saying({ e2fsck: { stdout: passes, status: 8 } }) })).toEqual([
      'rootfs.ext4: e2fsck: it ended with status 8',
    ]);
    expect(await guest(goodGuest, { run: saying({ debugfs: { stdout: '/init: File not found by ext2_lookup' } }) })).toEqual(
      ['/init', '/usr/bin/port-guest-agent', '/bin/busybox'].map((path) => `rootfs.ext4: debugfs: it finds no ${path}`),
    );
  });
});

test('a digest that is not that of the step is a finding with its rule', async () => {
  const made = builtBy(() => Promise.resolve(`sha256:${'0'.repeat(64)}` as never));
  const [variant] = [{ selector: selectorOf(pvm), path: 'k' }];
  const subject = {
    chosen: { artifact: {} as Artifact, variant },
    file: { name: 'k', path: 'k', step: 's' },
    path: '/k',
    size: 1,
    digest: `sha256:${'1'.repeat(64)}` as never,
  };
  expect(await made.check(subject, signal)).toMatchObject([{ check: 'digest' }]);
});
