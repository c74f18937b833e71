import { describe, expect, test } from 'vitest';
import { bytesSource } from '../model/read.ts';
import { emptyBlob, produceManifest } from '../model/produce.ts';
import { memoryLayout } from '../layout/memory.ts';
import { notThere } from './not-there.ts';
import { onlyName, requireName } from './only-name.ts';
import { hasScheme, parsePlace, showPlace } from './place.ts';

const { signal } = new AbortController();
const digest = `sha256:${'a'.repeat(64)}`;

test.each([
  ['oci:dir', { kind: 'layout', path: 'dir' }],
  ['oci:/a/b:v1', { kind: 'layout', path: '/a/b', name: 'v1' }],
  ['oci:a:b/c', { kind: 'layout', path: 'a:b/c' }],
  [`oci:a@${digest}`, { kind: 'layout', path: 'a', name: digest }],
  ['oci-archive:x.tar:latest', { kind: 'archive', path: 'x.tar', name: 'latest' }],
  ['localhost:5000/a:v1', { kind: 'registry', reference: { registry: 'localhost:5000', repository: 'a', tag: 'v1' } }],
  ['ghcr.io/a/b', { kind: 'registry', reference: { registry: 'ghcr.io', repository: 'a/b' } }],
])('%s is a place', (text, place) => {
  expect(parsePlace(text)).toEqual(place);
  expect(parsePlace(showPlace(parsePlace(text)))).toEqual(place);
});

test.each(['oci:', 'oci::v1', 'docker://ghcr.io/a', 'dir:x', 'a/b', '', 'oci:a\0b'])('%j is none', (text) => {
  expect(() => parsePlace(text)).toThrow(expect.objectContaining({ code: 'PK4005' }));
});

test.each(['proj/out', './out', '../out', '/tmp/out'])('who writes the path %s is told how', (text) => {
  expect(() => parsePlace(text)).toThrow(expect.objectContaining({ hint: expect.stringContaining('oci:DIR[:TAG]') }));
});

test('a wrong name in a registry is told of as such', () => {
  expect(() => parsePlace('ghcr.io/UPPER')).toThrow(expect.objectContaining({ hint: expect.stringContaining('lower-case') }));
});

test('only schemes make a place of what could be a file', () => {
  expect([hasScheme('oci:a'), hasScheme('oci-archive:a'), hasScheme('ocial/a'), hasScheme('ghcr.io/a')]).toEqual([
    true,
    true,
    false,
    false,
  ]);
});

test('of what is not there, only who said no tag is told of "latest"', () => {
  expect(notThere(parsePlace('a.b/c'))).toMatchObject({
    message: 'a.b/c:latest is not there',
    hint: expect.stringContaining('a.b/c:TAG'),
  });
  for (const text of ['a.b/c:v1', `a.b/c@${digest}`, 'oci:a']) {
    expect(notThere(parsePlace(text))).toMatchObject({
      message: `${text} is not there`,
      hint: expect.not.stringContaining('TAG'),
    });
  }
});

describe('without a name', () => {
  async function put(layout: ReturnType<typeof memoryLayout>, type: string, subject?: ReturnType<typeof produceManifest>) {
    const made = produceManifest({
      artifactType: type,
      config: emptyBlob.descriptor,
      layers: [emptyBlob.descriptor],
      ...(subject && { subject: subject.descriptor }),
    });
    await layout.push(emptyBlob.descriptor, bytesSource(emptyBlob.bytes), signal);
    await layout.push(made.descriptor, bytesSource(made.bytes), signal);
    return made;
  }

  test('the only one is meant, and what refers to it is not', async () => {
    const layout = memoryLayout('layout');
    await expect(onlyName(layout, signal)).rejects.toMatchObject({ code: 'PK4001', message: /holds nothing/ });
    const one = await put(layout, 'application/vnd.a');
    await put(layout, 'application/vnd.b', one);
    expect(await onlyName(layout, signal)).toBe(one.descriptor.digest);
    const two = await put(layout, 'application/vnd.c');
    await expect(onlyName(layout, signal)).rejects.toMatchObject({
      code: 'PK4001',
      hint: expect.stringContaining(two.descriptor.digest),
    });
    await expect(requireName(layout, 'v1', signal)).rejects.toMatchObject({
      code: 'PK4001',
      hint: expect.stringContaining('no names'),
    });
    await layout.tag(one.descriptor, 'v1', signal);
    expect(await requireName(layout, 'v1', signal)).toBeUndefined();
    await expect(requireName(layout, 'v9', signal)).rejects.toMatchObject({ code: 'PK4001', hint: 'It has: v1' });
    expect(await onlyName(layout, signal)).toBe('v1');
    await layout.tag(two.descriptor, 'v2', signal);
    await expect(onlyName(layout, signal)).rejects.toMatchObject({ code: 'PK4001', hint: 'Name one of: v1, v2' });
  });
});
