import { describe, expect, test } from 'vitest';
import type { Artifact, Variant } from './artifact.ts';
import { checkArtifacts } from './check.ts';
import { everyVariant, findArtifact, findVariant } from './choose.ts';
import { filesOf, placeOf } from './paths.ts';
import { parseReference, showReference } from './reference.ts';
import { parseSelector, refuseResearchOnly, showSelector } from './selector.ts';
import type { Selector } from './selector.ts';

const selector: Selector = { architecture: 'x86_64', substrate: 'firecracker', protection_mode: 'standard' };
const reference = { registry: 'demo-fs', repository: 'port/demo-kernel', version: 'v1' };
const pvm: Selector = { ...selector, protection_mode: 'pvm' };
const variant: Variant = { selector, path: 'artifacts/kernel/demo/x86_64/firecracker/standard/vmlinux' };
const protectedVariant: Variant = { selector: pvm, path: 'artifacts/kernel/demo/x86_64/firecracker/pvm/vmlinux' };
const kernel: Artifact = {
  kind: 'kernel',
  name: 'demo-kernel',
  reference,
  cacheRoot: '.port/cache',
  variants: [variant, protectedVariant],
};
const guest: Artifact = {
  ...kernel,
  kind: 'guest-image',
  name: 'demo-guest',
  reference: { ...reference, repository: 'port/demo-guest' },
  variants: [{ selector, path: 'guest/rootfs.ext4', build: { step: 'rootfs', initrd: 'initrd' } }],
};

function refusal(work: () => unknown): unknown {
  try {
    return work();
  } catch (error) {
    return error;
  }
}

describe('a reference', () => {
  test.each(['demo-fs/port/demo-kernel:v1', '127.0.0.1:5510/port/demo-kernel:v1', 'ghcr.io/a__b/c-d.e:1.0_x'])(
    '%s is read and shown as it is',
    (text) => expect(showReference(parseReference(text))).toBe(text),
  );

  test.each([
    ['port/demo-kernel', 'repository'],
    ['', 'registry'],
    ['demo-fs/port/demo-kernel', 'registry'],
    ['../port/demo-kernel:v1', 'registry'],
    ['demo-fs/../demo-kernel:v1', 'repository'],
    ['demo-fs/port//demo-kernel:v1', 'repository'],
    ['demo-fs/Port:v1', 'repository'],
    ['demo-fs/port:', 'version'],
    ['demo-fs/port:..', 'version'],
    [`demo-fs/port:${'v'.repeat(91)}`, 'version'],
    ['demo-fs/port:v1\n', 'version'],
    ['demo fs/port:v1', 'registry'],
  ])('%j is refused', (text) => expect(refusal(() => parseReference(text))).toMatchObject({ code: 'PK3901' }));
});

describe('a selector', () => {
  test('is firecracker and standard of this machine when nothing is said', () => {
    expect(showSelector(parseSelector({}, 'x64'))).toBe('x86_64/firecracker/standard');
    expect(showSelector(parseSelector({ architecture: 'native' }, 'arm64'))).toBe('aarch64/firecracker/standard');
  });

  test('has the spellings of the command line', () => {
    const words = { architecture: 'x86-64', substrate: 'cloud-hypervisor', protectionMode: 'pvm' };
    expect(parseSelector(words, 'arm64')).toEqual({
      architecture: 'x86_64',
      substrate: 'cloud-hypervisor',
      protection_mode: 'pvm',
    });
  });

  test.each([
    [{ architecture: 'x86-46' }, 'Did you mean "x86-64"?'],
    [{ architecture: 'riscv64' }, expect.stringContaining('native, x86-64, aarch64')],
    [{ substrate: 'firecraker' }, 'Did you mean "firecracker"?'],
    [{ protectionMode: '' }, expect.stringContaining('standard, pvm')],
  ])('%j is refused', (words, hint) => {
    expect(refusal(() => parseSelector(words, 'x64'))).toMatchObject({ code: 'PK3902', hint });
  });

  test('is not native on a machine that artifacts are not made for', () => {
    expect(refusal(() => parseSelector({}, 'riscv64'))).toMatchObject({ code: 'PK3902' });
  });

  test('of protected guests on aarch64 is research-only, and no other', () => {
    refuseResearchOnly(pvm);
    refuseResearchOnly({ ...selector, architecture: 'aarch64' });
    expect(() => refuseResearchOnly({ ...pvm, architecture: 'aarch64' })).toThrow(
      'aarch64/firecracker/pvm remains research-only',
    );
  });
});

describe('choosing', () => {
  test('an artifact, by its name or its reference', () => {
    expect(findArtifact([kernel, guest], 'demo-guest')).toBe(guest);
    expect(findArtifact([kernel, guest], 'demo-fs/port/demo-kernel:v1')).toBe(kernel);
    expect(refusal(() => findArtifact([kernel, guest], 'demo-kernal'))).toMatchObject({
      code: 'PK3903',
      hint: 'Did you mean "demo-kernel"?',
    });
    expect(refusal(() => findArtifact([], 'x'))).toMatchObject({ hint: 'There is none' });
    expect(refusal(() => findArtifact([kernel, { ...guest, name: 'demo-kernel' }], 'demo-kernel'))).toMatchObject({
      code: 'PK3903',
      hint: 'Name the reference: demo-fs/port/demo-kernel:v1 or demo-fs/port/demo-guest:v1',
    });
  });

  test('a variant, and never another in its place', () => {
    expect(findVariant(kernel, pvm).variant).toBe(protectedVariant);
    expect(refusal(() => findVariant({ ...kernel, variants: [variant] }, pvm))).toMatchObject({
      code: 'PK3903',
      message: "The kernel artifact 'demo-kernel' has no variant x86_64/firecracker/pvm",
      hint: 'It has: x86_64/firecracker/standard',
    });
  });

  test('every variant, unless one is research-only', () => {
    expect(everyVariant([kernel, guest])).toHaveLength(3);
    const wild = { ...kernel, variants: [variant, { ...variant, selector: { ...pvm, architecture: 'aarch64' as const } }] };
    expect(refusal(() => everyVariant([wild]))).toMatchObject({ code: 'PK3904' });
  });
});

describe('places', () => {
  test('are those of S0.32 and S0.33 below a root', () => {
    expect(placeOf({ artifact: kernel, variant }, 'vmlinux')).toBe(
      'demo-fs/port/demo-kernel/v1/x86_64/firecracker/standard/vmlinux',
    );
  });

  test('of an initrd are beside its image', () => {
    expect(guest.variants.map(filesOf)).toEqual([
      [
        { name: 'rootfs.ext4', path: 'guest/rootfs.ext4', step: 'rootfs' },
        { name: 'initrd.cpio.gz', path: 'guest/initrd.cpio.gz', step: 'initrd' },
      ],
    ]);
  });
});

describe('what is wrong', () => {
  const faults = (...artifacts: readonly Artifact[]): readonly string[] =>
    checkArtifacts(artifacts).map(({ code, artifact, at, other }) =>
      [code, artifact, at.join('.'), ...(other ? ['←', other.artifact, other.at.join('.')] : [])].join(' '),
    );

  test('is nothing with these', () => expect(faults(kernel, guest)).toEqual([]));

  test('is found in references, paths and roots', () => {
    expect(faults({ ...kernel, reference: { ...reference, version: '../v' } })).toEqual(['PK3901 0 reference.version']);
    expect(faults({ ...kernel, cacheRoot: '/tmp' })).toEqual(['PK3906 0 distribution.cache_root']);
    for (const endpoint of ['ftp://h', 'h:80', 'http://', 'http://u:p@h', 'http://h/?q', 'http://h/#f']) {
      expect(faults(kernel, { ...guest, push: { backend: 'hosted-api', endpoint } })).toEqual([
        'PK1103 1 distribution.push.endpoint',
      ]);
    }
    expect(faults({ ...guest, push: { backend: 'hosted-api', endpoint: 'http://127.0.0.1:7040' } })).toEqual([]);
    expect(faults({ ...kernel, pull: { backend: 'file-system', root: 'a\0' } })).toEqual(['PK3906 0 distribution.pull.root']);
    expect(faults({ ...kernel, pull: { backend: 'file-system', root: '/srv/store' } })).toEqual([]);
  });

  test.each(['/etc/vmlinux', '../vmlinux', 'a/../../b', 'a/', '.', 'a/.', 'a\nb', 'a\u202eb', '${home}/vmlinux', ''])(
    'is the path %j',
    (path) => {
      expect(faults({ ...kernel, variants: [{ ...variant, path }] })).toEqual(['PK3906 0 variants.0.path']);
    },
  );

  test.each(['.port/cache/vmlinux', 'a/vmlinux.sha256'])('is the path %j, which is for something else', (path) => {
    expect(faults({ ...kernel, variants: [{ ...variant, path }] })).toEqual(['PK3905 0 variants.0.path']);
  });

  test('is what is there twice', () => {
    expect(faults({ ...kernel, variants: [variant, { ...protectedVariant, path: `./${variant.path}` }] })).toEqual([
      'PK3905 0 variants.1.path ← 0 variants.0.path',
    ]);
    expect(faults({ ...kernel, variants: [variant, { ...protectedVariant, selector }] })).toEqual([
      'PK3905 0 variants.1.selector ← 0 variants.0.selector',
    ]);
    expect(faults(guest, { ...kernel, variants: [{ ...variant, path: 'guest/initrd.cpio.gz' }] })).toEqual([
      'PK3905 1 variants.0.path ← 0 variants.0.path',
    ]);
    expect(faults(kernel, { ...guest, reference })).toEqual(['PK3905 1 reference ← 0 reference']);
  });
});
