import { describe, expect, test } from 'vitest';
import { put } from '../../../test/oci/small-image.ts';
import { digestOf } from '../../base/digest.ts';
import { PortkitError } from '../../base/errors.ts';
import { memoryLayout } from '../../oci/layout/memory.ts';
import type { ImageIndex } from '../../oci/model/manifest.ts';
import { mediaTypes } from '../../oci/model/media-types.ts';
import type { Target } from '../../oci/model/ports.ts';
import { describe as describeBlob, emptyBlob, produceIndex, produceManifest } from '../../oci/model/produce.ts';
import { bytesSource, readManifest, verified } from '../../oci/model/read.ts';
import type { Artifact, RegistryConfig } from '../model/artifact.ts';
import type { Chosen } from '../model/paths.ts';
import type { Selector } from '../model/selector.ts';
import type { Upload } from './backend.ts';
import { registryBackend } from './oci-registry.ts';
import type { RepositoryWish } from './oci-registry.ts';

const { signal } = new AbortController();
const standard = { architecture: 'x86_64', substrate: 'firecracker', protection_mode: 'standard' } as const;
const pvm = { ...standard, protection_mode: 'pvm' } as const;
const arm = { ...standard, architecture: 'aarch64' } as const;

const artifact: Artifact = {
  kind: 'kernel',
  name: 'demo-kernel',
  reference: { registry: '127.0.0.1:5510', repository: 'port/demo-kernel', version: 'v1' },
  cacheRoot: '.port/cache',
  variants: [],
};

const chosenOf = (selector: Selector, changes: Partial<Artifact> = {}): Chosen => ({
  artifact: { ...artifact, ...changes },
  variant: { selector, path: 'vmlinux' },
});

const upload = (name: string, text: string): Upload => ({
  name,
  digest: digestOf(text),
  size: text.length,
  async *content() {
    yield Buffer.from(text);
  },
});

/** Backends of one repository in memory, or of one that behaves in another way. */
function registry(target: Target = memoryLayout('the registry'), settled = () => Promise.resolve()) {
  const wishes: RepositoryWish[] = [];
  const pauses: number[] = [];
  const open = (config: Partial<RegistryConfig> = {}, access: 'push' | 'pull' = 'push') =>
    registryBackend(
      { config: { backend: 'oci-registry', ...config }, access },
      {
        openRepository: (wish) => {
          wishes.push(wish);
          return Promise.resolve(target);
        },
        waiting: {
          pause: (attempt) => {
            pauses.push(attempt);
            return Promise.resolve();
          },
          settle: () => settled(),
        },
      },
    );
  return {
    target,
    wishes,
    pauses,
    open,
    push: (selector: Selector, text: string, config?: Partial<RegistryConfig>) =>
      open(config).push(chosenOf(selector), [upload('vmlinux', text)], signal),
    pull: async (selector: Selector, config?: Partial<RegistryConfig>, name = 'vmlinux') => {
      const found = await open(config, 'pull').pull(chosenOf(selector), name, signal);
      return found && Buffer.concat(await Array.fromAsync(found.content)).toString();
    },
    index: async () => {
      const root = await target.resolve('v1', signal);
      if (root === undefined) throw new Error('there is no index');
      return (await readManifest(target, root, signal)) as ImageIndex;
    },
  };
}

describe('a variant that was pushed', () => {
  test('is one manifest in the index of its version, beside the other variants', async () => {
    const { push, pull, index, wishes, target } = registry();
    for (const selector of [pvm, arm, standard]) await push(selector, JSON.stringify(selector));
    await push(pvm, 'newer');
    const { artifactType, manifests } = await index();
    expect(artifactType).toBe('application/vnd.port.kernel.v1');
    expect(manifests.map(({ platform, annotations }) => [platform, Object.values(annotations ?? {})])).toEqual([
      [{ os: 'linux', architecture: 'amd64' }, ['pvm', 'firecracker']],
      [{ os: 'linux', architecture: 'amd64' }, ['standard', 'firecracker']],
      [{ os: 'linux', architecture: 'arm64' }, ['standard', 'firecracker']],
    ]);
    expect(await pull(pvm)).toBe('newer');
    expect(await pull(standard)).toBe(JSON.stringify(standard));
    expect(await pull(arm)).toBe(JSON.stringify(arm));
    expect(await pull({ ...standard, substrate: 'avf' })).toBeUndefined();
    expect(await pull(standard, {}, 'initrd.cpio.gz')).toBeUndefined();
    const config = { backend: 'oci-registry' };
    const name = { registry: '127.0.0.1:5510', repository: 'port/demo-kernel' };
    expect(wishes.slice(0, 1)).toEqual([{ ...name, access: 'push', config }]);
    expect(wishes.at(-1)).toMatchObject({ ...name, access: 'pull' });
    const [entry] = manifests;
    if (entry === undefined) throw new Error('there is no entry');
    expect(await readManifest(target, entry, signal)).toMatchObject({
      artifactType: 'application/vnd.port.kernel.v1',
      config: emptyBlob.descriptor,
      layers: [
        {
          mediaType: 'application/vnd.port.kernel.v1+binary',
          digest: digestOf('newer'),
          annotations: { 'org.opencontainers.image.title': 'vmlinux' },
        },
      ],
    });
  });

  test('always makes the same index, whatever came first', async () => {
    const [one, other] = [registry(), registry()];
    for (const selector of [standard, pvm, arm]) await one.push(selector, 'kernel');
    for (const selector of [arm, standard, pvm, pvm]) await other.push(selector, 'kernel');
    expect(await one.target.resolve('v1', signal)).toEqual(await other.target.resolve('v1', signal));
  });

  test('is under a tag of its own when that is asked for, and both forms are read', async () => {
    const { push, pull, target } = registry();
    await push(standard, 'kernel', { tagForm: 'per-variant' });
    expect(await Array.fromAsync(target.tags(signal))).toEqual(['v1-x86_64-firecracker-standard']);
    expect(await pull(standard)).toBe('kernel');
    await push(standard, 'newer');
    expect(await pull(standard)).toBe('newer');
    expect(await pull(standard, { tagForm: 'per-variant' })).toBe('kernel');
    await push(pvm, 'pvm');
    expect(await pull(pvm, { tagForm: 'per-variant' })).toBe('pvm');
  });

  test('has the initrd of a guest image beside it', async () => {
    const { open, index, target } = registry();
    const chosen = chosenOf(standard, { kind: 'guest-image' });
    await open().push(chosen, [upload('rootfs.ext4', 'root'), upload('initrd.cpio.gz', 'init')], signal);
    const { manifests, artifactType } = await index();
    expect(artifactType).toBe('application/vnd.port.guest-image.v1');
    const [entry] = manifests;
    expect(entry && (await readManifest(target, entry, signal))).toMatchObject({
      layers: [
        { mediaType: 'application/vnd.port.guest-image.v1+binary', size: 4 },
        { mediaType: 'application/vnd.port.initrd.v1+binary', size: 4 },
      ],
    });
    const backend = open({}, 'pull');
    for (const [name, text] of [
      ['rootfs.ext4', 'root'],
      ['initrd.cpio.gz', 'init'],
    ] as const) {
      const found = await backend.pull(chosen, name, signal);
      expect(Buffer.concat(await Array.fromAsync(found?.content ?? [])).toString()).toBe(text);
      expect(await backend.examine(chosen, name, signal)).toEqual({ state: 'whole', digest: digestOf(text), size: 4 });
    }
    expect(await backend.examine(chosen, 'other', signal)).toEqual({ state: 'absent' });
  });

  test('is named by where it is', () => {
    const { open } = registry();
    const auth = { kind: 'anonymous' } as const;
    const plain = open({ transport: 'plain-http', auth });
    expect(plain.shown).toBe('oci-registry plain-http anonymous');
    expect(plain.placeOf(chosenOf(pvm), 'vmlinux')).toBe('127.0.0.1:5510/port/demo-kernel:v1#x86_64/firecracker/pvm/vmlinux');
    const tagged = open({ tagForm: 'per-variant' });
    expect(tagged.shown).toBe('oci-registry');
    expect(open({ transport: 'https', auth: { kind: 'docker-config' } }).shown).toBe('oci-registry https docker-config');
    expect(tagged.placeOf(chosenOf(pvm), 'vmlinux')).toBe('127.0.0.1:5510/port/demo-kernel:v1-x86_64-firecracker-pvm#vmlinux');
  });
});

describe('what others pushed', () => {
  test('in the form of Port is read: a manifest of oras under the tag of the variant', async () => {
    const { target, pull } = registry();
    const kernel = Buffer.from('kernel of oras');
    const title = { 'org.opencontainers.image.title': 'vmlinux' };
    const layer = { ...describeBlob(kernel, 'application/vnd.port.kernel.v1+binary'), annotations: title };
    await put(target, { descriptor: layer, bytes: kernel });
    await put(target, emptyBlob);
    const made = { 'org.opencontainers.image.created': '2026-01-01T00:00:00Z' };
    const artifactType = 'application/vnd.unknown.artifact.v1';
    const manifest = await put(target, produceManifest({ artifactType, layers: [layer], annotations: made }));
    await target.tag(manifest, 'v1-x86_64-firecracker-standard', signal);
    expect(await pull(standard)).toBe('kernel of oras');
    expect(await pull(standard, { tagForm: 'per-variant' })).toBe('kernel of oras');
    expect(await pull(pvm)).toBeUndefined();
  });

  test('under the tag of the version is left alone', async () => {
    const image = registry();
    await put(image.target, emptyBlob);
    const manifest = produceManifest({ artifactType: 'application/x', layers: [] });
    const index = produceIndex({ manifests: [await put(image.target, manifest)] });
    for (const other of [index, manifest]) {
      await image.target.tag(await put(image.target, other), 'v1', signal);
      await expect(image.push(standard, 'kernel')).rejects.toMatchObject({ code: 'PK4004' });
      expect((await image.target.resolve('v1', signal))?.digest).toBe(other.descriptor.digest);
      expect(await image.pull(standard)).toBeUndefined();
    }
  });

  test('in the index stays there', async () => {
    const { target, push, index } = registry();
    await put(target, emptyBlob);
    const foreign = await put(target, produceManifest({ artifactType: 'application/x', layers: [] }));
    const artifactType = 'application/vnd.port.kernel.v1';
    const platform = { os: 'freebsd', architecture: 'amd64' };
    const before = await put(target, produceIndex({ artifactType, manifests: [{ ...foreign, platform }] }));
    await target.tag(before, 'v1', signal);
    await push(standard, 'kernel');
    const { manifests } = await index();
    expect(manifests.map((one) => one.platform?.os)).toEqual(['freebsd', 'linux']);
  });

  test('may have lost what it says it is on the way', async () => {
    const { target, push, index } = registry();
    await push(arm, 'arm');
    const { manifests } = await index();
    await target.tag(await put(target, produceIndex({ manifests })), 'v1', signal);
    await push(standard, 'kernel');
    expect(await index()).toMatchObject({ artifactType: 'application/vnd.port.kernel.v1', manifests: [{}, {}] });
    const guest = chosenOf(standard, { kind: 'guest-image' });
    const pushed = registry(target)
      .open()
      .push(guest, [upload('rootfs.ext4', 'root')], signal);
    await expect(pushed).rejects.toMatchObject({ code: 'PK4004' });
  });

  test('with a variant or file twice is refused, as is a variant that is an index', async () => {
    const { target, push, pull, index } = registry();
    await push(standard, 'kernel');
    const { manifests, artifactType = '' } = await index();
    const [entry] = manifests;
    if (entry === undefined) throw new Error('there is no entry');
    const other = await put(target, produceManifest({ artifactType, layers: [] }));
    const twice = produceIndex({ artifactType, manifests: [entry, { ...entry, digest: other.digest, size: other.size }] });
    await target.tag(await put(target, twice), 'v1', signal);
    await expect(pull(standard)).rejects.toMatchObject({ code: 'PK4002' });
    const nested = await put(target, produceIndex({ artifactType, manifests: [entry] }));
    const { platform, annotations } = entry;
    const outer = produceIndex({
      artifactType,
      manifests: [{ ...nested, ...(platform && { platform }), ...(annotations && { annotations }) }],
    });
    await target.tag(await put(target, outer), 'v1', signal);
    await expect(pull(standard)).rejects.toMatchObject({ code: 'PK4004' });
    const layers = ['a', 'b'].map((text) => ({
      ...describeBlob(Buffer.from(text), mediaTypes.layerTar),
      annotations: { 'org.opencontainers.image.title': 'vmlinux' },
    }));
    for (const text of ['a', 'b'])
      await put(target, { descriptor: describeBlob(Buffer.from(text), 'a/b'), bytes: Buffer.from(text) });
    await target.tag(await put(target, produceManifest({ artifactType, layers })), 'v1-x86_64-firecracker-pvm', signal);
    await expect(pull(pvm)).rejects.toMatchObject({ code: 'PK4002' });
  });
});

describe('a writer', () => {
  /** A repository in which somebody else pushes a variant right before something is tagged, or right after it. */
  function crowded(times: number) {
    const target = memoryLayout('the registry');
    const quiet = registry(target);
    let left = times;
    const interrupted: Target = {
      ...target,
      async resolve(name, stop) {
        const found = await target.resolve(name, stop);
        if (name !== 'v1' || left === 0) return found;
        left -= 1;
        await quiet.push(arm, `arm ${left}`);
        return found;
      },
    };
    return { quiet, ...registry(interrupted) };
  }

  test.each([1, 2, 3, 4, 5])('loses nothing of another that comes between, %i times', async (times) => {
    const { push, quiet, pauses } = crowded(times);
    await push(standard, 'kernel');
    expect(await quiet.pull(standard)).toBe('kernel');
    expect(await quiet.pull(arm)).toBe('arm 0');
    expect(pauses.length).toBeGreaterThan(0);
  });

  test('gives up when it never ends', async () => {
    const { push, pauses } = crowded(1000);
    await expect(push(standard, 'kernel')).rejects.toMatchObject({ code: 'PK4081' });
    expect(pauses).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9]);
  });

  test('finds out that what it wrote was undone by somebody who had not seen it', async () => {
    const target = memoryLayout('the registry');
    const quiet = registry(target);
    await quiet.push(arm, 'arm');
    const old = await target.resolve('v1', signal);
    let undone = 0;
    const crossed = registry(target, async () => {
      undone += 1;
      if (undone < 3 && old !== undefined) await target.tag(old, 'v1', signal);
    });
    await crossed.push(standard, 'kernel');
    expect(undone).toBe(3);
    expect([await quiet.pull(standard), await quiet.pull(arm)]).toEqual(['kernel', 'arm']);
  });

  test('does nothing to an index that says it already', async () => {
    const { push, target } = registry();
    await push(standard, 'kernel');
    const refusing: Target = { ...target, tag: () => Promise.reject(new Error('it was tagged again')) };
    await registry(refusing).push(standard, 'kernel');
    await expect(registry(refusing).push(standard, 'other')).rejects.toThrow('tagged again');
  });
});

describe('damage', () => {
  test.each(['blob', 'manifest', 'index'] as const)('of the %s is named, and nothing of it is used', async (what) => {
    const { push, target } = registry();
    await push(standard, 'kernel');
    const types = { blob: 'application/vnd.port.kernel.v1+binary', manifest: mediaTypes.manifest, index: mediaTypes.index };
    const damaged: Target = {
      ...target,
      fetch: (descriptor, stop) =>
        descriptor.mediaType === types[what]
          ? Promise.resolve(verified(bytesSource(Buffer.alloc(descriptor.size)).open(stop), descriptor))
          : target.fetch(descriptor, stop),
    };
    const { pull, open } = registry(damaged);
    await expect(pull(standard)).rejects.toMatchObject({
      code: 'PK3910',
      message: expect.stringContaining('vmlinux is damaged'),
    });
    const examined = open({}, 'pull').examine(chosenOf(standard), 'vmlinux', signal);
    if (what === 'blob') expect(await examined).toMatchObject({ state: 'damaged', size: 6, digest: digestOf(Buffer.alloc(6)) });
    else await expect(examined).rejects.toMatchObject({ code: 'PK3910' });
  });

  test('of an index is not written over', async () => {
    const { push, target } = registry();
    await push(standard, 'kernel');
    const cut: Target = { ...target, fetch: () => Promise.reject(new PortkitError('PK4003', 'cut')) };
    await expect(registry(cut).push(pvm, 'kernel')).rejects.toMatchObject({ code: 'PK4003' });
  });

  test('on the way is no end: a file can be read again from where it was cut off', async () => {
    const { target } = registry();
    const lengths: number[] = [];
    const resuming: Target = {
      ...target,
      push: async (descriptor, source, stop) => {
        const parts = [await Array.fromAsync(source.open(stop)), await Array.fromAsync(source.open(stop, 2))];
        lengths.push(...parts.map((part) => Buffer.concat(part).length));
        return target.push(descriptor, source, stop);
      },
    };
    await registry(resuming).push(standard, 'kernel');
    expect(lengths.slice(0, 2)).toEqual([6, 4]);
  });
});
