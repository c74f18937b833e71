import { describe, expect, test } from 'vitest';
import { putImage } from '../../../test/oci/small-image.ts';
import { treeLines } from '../../../test/tree-lines.ts';
import { digestOf } from '../../base/digest.ts';
import type { Digest } from '../../base/digest.ts';
import { PortkitError } from '../../base/errors.ts';
import type { ImageSpec } from '../../graph/source-ops.ts';
import { memoryLayout } from '../../oci/layout/memory.ts';
import { mediaTypes } from '../../oci/model/media-types.ts';
import type { Source } from '../../oci/model/ports.ts';
import type { OpContext } from '../../solver/op.ts';
import { createMemoryStore } from '../../store/memory.ts';
import type { Pins } from '../fetch.ts';
import { imageOp } from '../image.ts';
import type { ImageWorld } from '../image.ts';

const { signal } = new AbortController();
const context: OpContext = { signal, output: () => undefined, transfer: () => undefined };
/** A repository with an image for two platforms under the tag `v1`: its file says which of the two it is. */
async function repository() {
  const target = memoryLayout('the registry');
  return { target, ...(await putImage(target, 'v1')) };
}

/** Everything that a step says, with a record of what it asked for. */
function worldOf(source: Source, { pin, platform = 'linux/amd64' }: { pin?: Pins; platform?: string } = {}) {
  const store = createMemoryStore();
  const opened: string[] = [];
  const world: ImageWorld = {
    blobs: store,
    directory: '/nowhere',
    platform,
    ...(pin && { pin }),
    openRepository: ({ registry, repository: path }, transport) => {
      opened.push([registry, path, transport].join(' '));
      return Promise.resolve(source);
    },
  };
  const op = (spec: Partial<ImageSpec> = {}) => imageOp({ type: 'image', reference: 'example.org/a/b:v1', ...spec }, world);
  return {
    opened,
    op,
    /** The lines of the tree that came of a step, or why there is none. */
    lines: async (spec: Partial<ImageSpec> = {}, step = op(spec)) => {
      const outcome = await step.run([], context);
      if (!outcome.ok) return [outcome.failure.code, outcome.failure.hint];
      return treeLines(outcome.outputs[0]?.digest ?? digestOf(''), store);
    },
  };
}

function pinsOf(kept: Map<string, Digest>, renew = false): Pins {
  return { get: (name) => kept.get(name), ...(renew && { set: (name, digest) => void kept.set(name, digest) }) };
}

describe('an image of a registry', () => {
  test('is the one for the platform, by the digest of the step or of the reference', async () => {
    const { target, index, manifests } = await repository();
    const amd = worldOf(target);
    expect(await amd.lines({ digest: index.digest })).toContain('file 644 a amd64');
    expect(amd.opened).toEqual(['example.org a/b ']);
    const arm = worldOf(target, { platform: 'linux/arm64' });
    expect(await arm.lines({ reference: `localhost:1/b@${index.digest}`, transport: 'plain-http' })).toContain(
      'file 644 a arm64',
    );
    expect(arm.opened).toEqual(['localhost:1 b plain-http']);
    expect(await arm.lines({ digest: manifests[1]?.digest ?? '' })).toContain('file 644 a arm64');
    expect(await arm.lines({ digest: manifests[0]?.digest ?? '' })).toEqual(['PK3203', undefined]);
  });

  test('that is pinned is known by its digest, and the registry is not asked', async () => {
    const { target, index } = await repository();
    const facts = { digest: index.digest, platform: 'linux/amd64' };
    const pin = pinsOf(new Map([['image:example.org/a/b:v1', digestOf('')]]));
    const { op, opened } = worldOf(target, { pin });
    expect(await op({ digest: index.digest }).facts(context)).toEqual({ facts });
    expect(await op({ reference: `example.org/a/b:v1@${index.digest}` }).facts(context)).toEqual({ facts });
    expect(await op().facts(context)).toEqual({ facts: { ...facts, digest: digestOf('') } });
    expect(opened).toEqual([]);
  });

  test('that is not pinned is not used, and the digest of today is told', async () => {
    const { target, index } = await repository();
    const { op, lines } = worldOf(target);
    expect(await op().facts(context)).toEqual({ facts: { reference: 'example.org/a/b:v1', platform: 'linux/amd64' } });
    expect(await lines()).toEqual(['PK3205', expect.stringContaining(`digest = "${index.digest}"`)]);
  });

  test('is pinned by a lock that is renewed, and its key is the digest', async () => {
    const { target, index } = await repository();
    const kept = new Map<string, Digest>();
    const { op, lines } = worldOf(target, { pin: pinsOf(kept, true) });
    const step = op();
    expect(await step.facts(context)).toEqual({ facts: { digest: index.digest, platform: 'linux/amd64' } });
    expect([...kept]).toEqual([['image:example.org/a/b:v1', index.digest]]);
    expect(await lines({}, step)).toContain('file 644 a amd64');
    const gone = op({ reference: 'example.org/a/b' });
    expect(await gone.facts(context)).toMatchObject({ facts: { reference: 'example.org/a/b' } });
    expect(await lines({}, gone)).toEqual(['PK4001', undefined]);
    expect(kept.size).toBe(1);
  });

  test.each([
    ['a', 'PK4005'],
    ['example.org/a/B', 'PK4005'],
    [`example.org/a@sha512:${'0'.repeat(128)}`, 'PK1002'],
  ])('called %s is refused', async (reference, code) => {
    const { target } = await repository();
    const { op, opened } = worldOf(target);
    expect(() => op({ reference }).facts(context)).toThrow(expect.objectContaining({ code }));
    expect(opened).toEqual([]);
  });

  test('that is pinned twice, and not alike, is refused', async () => {
    const { target, index } = await repository();
    const { op } = worldOf(target);
    const spec = { reference: `example.org/a@${index.digest}`, digest: digestOf('') };
    expect(() => op(spec).facts(context)).toThrow(expect.objectContaining({ code: 'PK4005' }));
  });

  test('of which bytes are damaged or gone is refused', async () => {
    const { target, index } = await repository();
    const without = (mediaType: string): Source => ({
      ...target,
      fetch: (descriptor, stop) =>
        descriptor.mediaType === mediaType
          ? Promise.reject(new PortkitError('PK4003', 'damaged'))
          : target.fetch(descriptor, stop),
    });
    for (const type of [mediaTypes.index, mediaTypes.manifest, mediaTypes.imageConfig, mediaTypes.layerTar]) {
      expect(await worldOf(without(type)).lines({ digest: index.digest })).toEqual(['PK4003', undefined]);
    }
    expect(await worldOf(target).lines({ digest: digestOf('') })).toEqual(['PK4001', undefined]);
  });
});
