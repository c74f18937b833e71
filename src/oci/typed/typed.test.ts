import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { memoryLayout } from '../layout/memory.ts';
import { families, familyTypes } from '../model/families.ts';
import { readDocument, readManifest, bytesSource } from '../model/read.ts';
import { describe as describeBlob } from '../model/produce.ts';
import { checkKind, parseConfig } from './config.ts';
import { contentType, pushTyped } from './pack.ts';
import { checkApart, filePathOf } from './title.ts';

const { signal } = new AbortController();
const parse = (text: string) => parseConfig(Buffer.from(text), 'config.yaml');

/** A few lines that stand for billions of values. */
const manyAliases = Array.from({ length: 9 }, (_, at) => {
  const items = Array.from({ length: 9 }, () => (at === 0 ? '1' : `*y${at - 1}`));
  return `b${at}: &y${at} [${items.join(',')}]`;
}).join('\n');

describe('a configuration', () => {
  test('in YAML and in JSON is the same', async () => {
    const expected = { kind: 'FileSet', spec: { size: 0.5, list: ['a', null, true] } };
    expect(await parse('kind: FileSet\nspec:\n  size: 0.5\n  list: [a, ~, true]\n')).toEqual(expected);
    expect(await parse(JSON.stringify(expected))).toEqual(expected);
    expect(await parse('when: 2026-11-21\nyes: no\n')).toEqual({ when: '2026-11-21', yes: 'no' });
  });

  test.each([
    ['', 'no table'],
    ['- a\n- b', 'no table'],
    ['a: [1', 'is no configuration'],
    ['a: 1\na: 2', 'twice'],
    ['{"a": [{"b": 1, "b": 1}]}', 'twice'],
    ['a: !!set {x, y}', 'type'],
    ['a: !!binary aGk=', 'type'],
    ['a: !!timestamp 2026-11-21', 'type'],
    ['a: .inf', 'no number'],
    ['a: 9007199254740993', 'no number'],
    ['a: &a [*a]', 'nested|alias'],
    ['a: "\\ud800"', 'half a character'],
    ['---\na: 1\n---\nb: 2', 'multiple documents|document'],
    [manyAliases, 'alias'],
    [`a: ${'['.repeat(200)}${']'.repeat(200)}`, 'nested'],
    ['? [a]\n: b', 'string'],
  ])('%j is refused', async (text, why) => {
    await expect(parse(text)).rejects.toMatchObject({ code: 'PK4007', message: expect.stringMatching(new RegExp(why, 'i')) });
  });

  test('of many names does not take long', async () => {
    const many = Array.from({ length: 20_000 }, (_, at) => `k${at}: 1`).join('\n');
    const start = performance.now();
    expect(Object.keys(await parse(many))).toHaveLength(20_000);
    // Comparing all with all takes ten times as long.
    expect(performance.now() - start).toBeLessThan(5000);
  });

  test('is UTF-8 and of a size that registries take', async () => {
    await expect(parseConfig(Buffer.from([0x61, 0x3a, 0xff]), 'x')).rejects.toMatchObject({ code: 'PK4007' });
    await expect(parseConfig(Buffer.alloc(5 << 20, 0x20), 'x')).rejects.toMatchObject({ code: 'PK4006' });
  });

  test('of any bytes is a table or a coded refusal', async () => {
    await fc.assert(
      fc.asyncProperty(fc.oneof(fc.string(), fc.json()), async (text) => {
        try {
          expect(typeof (await parse(text))).toBe('object');
        } catch (error) {
          expect(error).toMatchObject({ code: 'PK4007' });
        }
      }),
      { numRuns: 300 },
    );
  });

  test('of another kind is told', () => {
    expect(() => checkKind({ kind: 'FileSet' }, 'agent', 'a.yaml')).toThrow(
      expect.objectContaining({ code: 'PK4004', message: 'a.yaml: expected an Agent artifact, got kind "FileSet"' }),
    );
    for (const family of families) checkKind({}, family, 'a.yaml');
    checkKind({ kind: 'AgentSystem' }, 'bundle', 'a.yaml');
    checkKind({ kind: 'Whatever' }, 'tool', 'a.yaml');
  });
});

describe('a typed artifact', () => {
  test.each(families)('of the family %s has its types, and is the same every time', async (family) => {
    const content = Buffer.from('gzip');
    const descriptor = describeBlob(content, contentType);
    const artifact = { family, config: { b: 1, a: [2] }, content: { descriptor, source: bytesSource(content) } };
    const [one, two] = [memoryLayout(), memoryLayout()];
    const pushed = await pushTyped(artifact, one, signal);
    expect(await pushTyped({ ...artifact, config: { a: [2], b: 1 } }, two, signal)).toEqual(pushed);
    const manifest = await readManifest(one, pushed.descriptor, signal);
    if (manifest.kind === 'index') throw new Error('an artifact is no index');
    expect(manifest).toMatchObject({ artifactType: familyTypes(family).artifactType, layers: [descriptor] });
    expect(manifest.config.mediaType).toBe(familyTypes(family).config);
    expect(Buffer.from(await readDocument(one, manifest.config, signal)).toString()).toBe('{"a":[2],"b":1}');
  });

  test('without content has the empty layer, which is there', async () => {
    const layout = memoryLayout();
    const { descriptor } = await pushTyped({ family: 'policy', config: {} }, layout, signal);
    const manifest = await readManifest(layout, descriptor, signal);
    const [layer] = manifest.kind === 'manifest' ? manifest.layers : [];
    expect(layer?.mediaType).toBe('application/vnd.oci.empty.v1+json');
    expect(layer && (await layout.exists(layer, signal))).toBe(true);
  });
});

const upward = ['../etc/passwd', '/etc/passwd', 'a/../b', './a', 'a/.ssh/b', '.hidden'];
const odd = ['', 'a//b', 'a/', 'a\\b', 'a\nb', '-o', 'a/-o', 'x'.repeat(201), 'x/'.repeat(600)];
test.each([...upward, ...odd])('the title %j of a layer is no path of a file', (title) => {
  const layer = { ...describeBlob(Buffer.from('x'), 'a/b'), annotations: { 'org.opencontainers.image.title': title } };
  expect(() => filePathOf(layer, 0)).toThrow(expect.objectContaining({ code: 'PK4002' }));
});

test('a layer is called by its title, or by its place and digest', () => {
  const layer = describeBlob(Buffer.from('x'), 'a/b');
  expect(filePathOf({ ...layer, annotations: { 'org.opencontainers.image.title': 'vmlinux-6.1' } }, 0)).toBe('vmlinux-6.1');
  expect(filePathOf({ ...layer, annotations: { 'org.opencontainers.image.title': 'boot/x86/vmlinux' } }, 0)).toBe(
    'boot/x86/vmlinux',
  );
  expect(filePathOf(layer, 1)).toBe('layer-2-2d711642b726');
});

test.each([[['a', 'b', 'a']], [['README', 'readme']], [['a/b', 'A/B']], [['a', 'a/b']], [['x/y/z', 'X/Y']]])(
  '%j cannot all be there',
  (paths) => {
    expect(() => checkApart(paths)).toThrow(expect.objectContaining({ code: 'PK4002' }));
  },
);

test('files of one folder can', () => {
  expect(() => checkApart(['a', 'ab', 'b/a', 'b/c/a', 'b/c/d'])).not.toThrow();
});
