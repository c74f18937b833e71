import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Descriptor } from './descriptor.ts';
import { families, familyOfArtifactType, familyTypes, isFamily } from './families.ts';
import { documentLimit, isImage, parseManifest } from './manifest.ts';
import { acceptedManifests, isMediaType, kindOf, mediaTypes } from './media-types.ts';
import { parsePlatform, servesPlatform, showPlatform } from './platform.ts';
import { describe as blobOf, emptyBlob, produceIndex, produceManifest } from './produce.ts';
import { verified } from './read.ts';
import { successors } from './successors.ts';

const layer = blobOf(Buffer.from('layer'), 'application/octet-stream');
const shown = 'it';
const parse = (value: unknown, mediaType?: string) =>
  parseManifest(Buffer.from(JSON.stringify(value)), mediaType === undefined ? { shown } : { shown, mediaType });

test('a manifest has one spelling', () => {
  const subject: Descriptor = { ...layer, mediaType: mediaTypes.manifest, annotations: { 'not.here': 'x' } };
  const parts = { artifactType: 'text/x', layers: [layer], subject, annotations: { b: '2', a: '1' } };
  const { bytes, descriptor } = produceManifest(parts);
  expect(Buffer.from(bytes).toString()).toBe(
    '{"schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest.v1+json","artifactType":"text/x",' +
      '"config":{"mediaType":"application/vnd.oci.empty.v1+json","digest":"sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a","size":2},' +
      `"layers":[{"mediaType":"application/octet-stream","digest":"${layer.digest}","size":5}],` +
      `"subject":{"mediaType":"application/vnd.oci.image.manifest.v1+json","digest":"${layer.digest}","size":5},` +
      '"annotations":{"a":"1","b":"2"}}',
  );
  expect(descriptor).toMatchObject({ mediaType: mediaTypes.manifest, size: bytes.length, artifactType: 'text/x' });
  expect(produceManifest({ ...parts, annotations: { a: '1', b: '2' } }).bytes).toEqual(bytes);
  expect(() => produceManifest({ layers: [layer] })).toThrow('artifact type');
});

test('what is produced is what is parsed', () => {
  const text = fc.string({ maxLength: 20 });
  const annotations = fc.dictionary(text, text, { maxKeys: 4 });
  const platform = fc.constantFrom({ os: 'linux', architecture: 'arm64', variant: 'v8' }, { os: 'linux', architecture: 'amd64' });
  const descriptor = fc
    .record({ said: text, annotations: fc.dictionary(text, text, { minKeys: 1, maxKeys: 4 }), platform })
    .map(({ said, ...rest }) => ({ ...blobOf(Buffer.from(said), 'text/x'), ...rest }));
  const parts = fc.record({ layers: fc.array(descriptor, { minLength: 1, maxLength: 3 }), annotations });
  fc.assert(
    fc.property(parts, ({ layers, annotations: said }) => {
      const manifest = parseManifest(produceManifest({ artifactType: 'text/x', layers, annotations: said }).bytes, { shown });
      expect(successors(manifest)).toEqual([emptyBlob.descriptor, ...layers]);
      expect(manifest.annotations).toEqual(said);
      expect(isImage(manifest)).toBe(false);
      const index = parseManifest(produceIndex({ manifests: layers, annotations: said }).bytes, { shown });
      expect(successors(index)).toEqual(layers);
    }),
    { numRuns: 50 },
  );
});

test('any bytes are a document or refused', () => {
  const near = fc.jsonValue().map((value) => JSON.stringify(value));
  const fields = fc.record(
    {
      schemaVersion: fc.constantFrom(2, 1, '2'),
      mediaType: fc.constantFrom(...Object.values(mediaTypes), 'x', 1),
      manifests: fc.constantFrom([], [layer], {}, null),
      config: fc.constantFrom(layer, null, { ...layer, size: -1 }),
      layers: fc.constantFrom([], [layer], [null], [{ ...layer, digest: 'sha256:x' }]),
    },
    { requiredKeys: [] },
  );
  fc.assert(
    fc.property(
      fc.oneof(
        near,
        fields.map((value) => JSON.stringify(value)),
      ),
      (text) => {
        try {
          const manifest = parseManifest(Buffer.from(text), { shown });
          expect(kindOf(manifest.mediaType)).toBe(manifest.kind);
        } catch (error) {
          expect(error).toMatchObject({ code: 'PK4002' });
        }
      },
    ),
  );
});

const whole = { schemaVersion: 2, config: emptyBlob.descriptor, layers: [layer] };

test.each([
  ['an index and a manifest in one', { ...whole, manifests: [] }],
  ['neither of them', { schemaVersion: 2 }],
  ['schema version 1', { ...whole, schemaVersion: 1 }],
  ['a manifest that says it is an index', { ...whole, mediaType: mediaTypes.index }],
  ['an index that says it is a manifest', { schemaVersion: 2, manifests: [], mediaType: mediaTypes.manifest }],
  ['no list of layers', { ...whole, layers: {} }],
  ['no config', { schemaVersion: 2, layers: [] }],
  ['too many layers', { ...whole, layers: Array.from({ length: 10_001 }, () => layer) }],
  ['a size that is no number', { ...whole, layers: [{ ...layer, size: '5' }] }],
  ['a size below zero', { ...whole, layers: [{ ...layer, size: -5 }] }],
  ['a size that is not exact', { ...whole, layers: [{ ...layer, size: 2 ** 53 }] }],
  ['a digest of another algorithm', { ...whole, layers: [{ ...layer, digest: `md5:${'0'.repeat(32)}` }] }],
  ['a digest that leads upwards', { ...whole, layers: [{ ...layer, digest: 'sha256:../../etc/passwd' }] }],
  ['a media type with a parameter', { ...whole, layers: [{ ...layer, mediaType: 'text/plain; charset=x' }] }],
  ['an annotation that is no text', { ...whole, annotations: { a: 1 } }],
  ['an artifact type that is none', { ...whole, artifactType: 'x' }],
  ['a subject that is none', { ...whole, subject: 'sha256:x' }],
  ['a list', []],
])('%s is refused', (_, value) => {
  expect(() => parse(value)).toThrow(expect.objectContaining({ code: 'PK4002' }));
});

test('a document must be what it was said to be, small, and of one reading', () => {
  expect(() => parse({ ...whole, mediaType: mediaTypes.manifest }, mediaTypes.dockerManifest)).toThrow(/was said to be/);
  expect(() => parse(whole, mediaTypes.index)).toThrow(expect.objectContaining({ code: 'PK4002' }));
  expect(parse(whole, mediaTypes.dockerManifest).mediaType).toBe(mediaTypes.dockerManifest);
  expect(() => parse({ ...whole, pad: 'x'.repeat(documentLimit) })).toThrow(expect.objectContaining({ code: 'PK4006' }));
  const twice = `{"schemaVersion":2,"manifests":[],"manifests":[]}`;
  expect(() => parseManifest(Buffer.from(twice), { shown })).toThrow(expect.objectContaining({ code: 'PK4002' }));
});

test('what a manifest is', () => {
  const config = { ...layer, mediaType: mediaTypes.imageConfig };
  expect(parse({ ...whole, config, other: 1 })).toMatchObject({ artifactType: mediaTypes.imageConfig });
  expect(isImage(parse({ ...whole, config }))).toBe(true);
  expect(isImage(parse({ ...whole, config, artifactType: 'text/x' }))).toBe(false);
  expect(isImage(parse(whole))).toBe(false);
  expect(isImage(parse({ schemaVersion: 2, manifests: [] }))).toBe(true);
});

test('layers that may not be distributed need not be there', () => {
  const foreign = { ...layer, mediaType: 'application/vnd.oci.image.layer.nondistributable.v1.tar' };
  expect(successors(parse({ ...whole, layers: [foreign, layer] }))).toEqual([emptyBlob.descriptor, layer]);
});

test('every family has its types, and is found by them', () => {
  expect(families).toHaveLength(10);
  for (const family of families) {
    expect(isFamily(family)).toBe(true);
    expect(familyOfArtifactType(familyTypes(family).artifactType)).toBe(family);
    expect(Object.values(familyTypes(family)).every(isMediaType)).toBe(true);
  }
  expect(familyTypes('knowledge').config).toBe('application/vnd.lens.knowledge.config.v1+json');
  expect(isFamily('agents')).toBe(false);
});

test('media types', () => {
  expect(acceptedManifests.split(', ').map(kindOf)).toEqual(['manifest', 'index', 'manifest', 'index']);
  expect(['a/b', 'application/vnd.x.v1+json'].every(isMediaType)).toBe(true);
  expect(['', 'a', 'a/', '/b', 'a/b/c', 'a b/c', 'a/b;q=1', `a/${'b'.repeat(128)}`].some(isMediaType)).toBe(false);
});

test.each([
  ['linux/arm64', 'linux/arm64', true],
  ['linux/arm64/v8', 'linux/arm64', true],
  ['linux/arm64', 'linux/arm64/v8', true],
  ['linux/arm/v7', 'linux/arm/v6', false],
  ['linux/arm', 'linux/arm/v7', false],
  ['linux/amd64', 'linux/arm64', false],
])('%s serves %s: %s', (there, wanted, serves) => {
  expect(servesPlatform(parsePlatform(there), parsePlatform(wanted))).toBe(serves);
  expect(showPlatform(parsePlatform(there))).toBe(there);
});

test('a malformed platform is refused', () => {
  for (const text of ['', 'linux', 'linux/', 'a/b/c/d', 'Linux/x', 'a/b/']) {
    expect(() => parsePlatform(text)).toThrow(expect.objectContaining({ code: 'PK4005' }));
  }
});

test.each([
  ['shorter', 'laye'],
  ['longer', 'layers'],
  ['another', 'lAyer'],
])('content that is %s does not end', async (_, text) => {
  // oxlint-disable-next-line require-await -- a stream
  async function* content(): AsyncGenerator<Uint8Array> {
    for (const one of text) yield Buffer.from(one);
  }
  await expect(Array.fromAsync(verified(content(), layer))).rejects.toMatchObject({ code: 'PK4003' });
});
