import { mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { put } from '../../../test/oci/small-image.ts';
import { memoryLayout } from '../../oci/layout/memory.ts';
import { parseManifest } from '../../oci/model/manifest.ts';
import { describe as describeBlob, emptyBlob, produceManifest } from '../../oci/model/produce.ts';
import { writeFiles } from './artifact-files.ts';

const { signal } = new AbortController();
let folder: string;
const at = (name: string): string => join(folder, name);
const content = (name: string): string => readFileSync(at(name), 'utf8');

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'portkit-files-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** An artifact with a layer of each title, which holds its title; and a config, when one is said. */
async function artifact(titles: readonly string[], config?: string) {
  const source = memoryLayout();
  await put(source, emptyBlob);
  const layers = titles.map((title) => {
    const bytes = Buffer.from(title);
    const annotations = { 'org.opencontainers.image.title': title };
    return { descriptor: { ...describeBlob(bytes, 'text/plain'), annotations }, bytes };
  });
  for (const layer of layers) await put(source, layer);
  const said = config === undefined ? undefined : describeBlob(Buffer.from(config), 'application/json');
  if (config !== undefined && said !== undefined) await put(source, { descriptor: said, bytes: Buffer.from(config) });
  const { bytes } = produceManifest({
    artifactType: 'a/b',
    layers: layers.map(({ descriptor }) => descriptor),
    ...(said && { config: said }),
  });
  const manifest = parseManifest(bytes, { shown: 'it' });
  if (manifest.kind === 'index') throw new Error('it is no manifest');
  return { source, manifest, shown: 'it' };
}

const write = async (titles: readonly string[], options: Readonly<Record<string, boolean | string>> = {}) =>
  writeFiles(await artifact(titles), { options: { quiet: true, output: at('out'), ...options }, signal });

describe('files of an artifact', () => {
  test('in folders are in these folders, with their digests', async () => {
    const titles = ['boot/vmlinux', 'boot/x86/initrd', 'notes'];
    const written = await write(titles);
    expect(written?.map(({ path }) => path)).toEqual(titles.map((title) => at(`out/${title}`)));
    for (const title of titles) expect(content(`out/${title}`)).toBe(title);
  });

  test('go to a folder that is written with a slash, be it one alone', async () => {
    await write(['only'], { output: `${at('made')}/` });
    await write(['only'], { output: at('file') });
    expect([content('made/only'), content('file')]).toEqual(['only', 'only']);
  });

  test('cannot go to a folder where a file stands in the way', async () => {
    mkdirSync(at('out'));
    writeFileSync(at('out/boot'), 'mine');
    await expect(write(['boot/vmlinux', 'a'])).rejects.toMatchObject({ code: expect.stringMatching(/^PK3/) });
    expect(content('out/boot')).toBe('mine');
  });

  test('replace what was pulled there before, and what stands beside them stays', async () => {
    mkdirSync(at('out/boot'), { recursive: true });
    writeFileSync(at('out/boot/vmlinux'), 'before');
    writeFileSync(at('out/boot/mine'), 'mine');
    await write(['boot/vmlinux', 'a']);
    expect([content('out/boot/vmlinux'), content('out/boot/mine')]).toEqual(['boot/vmlinux', 'mine']);
  });

  test.each([
    ['a folder that is a link to elsewhere', 'boot', 'PK3906'],
    ['a file that is a link to elsewhere', 'notes', 'PK3402'],
    ['a link to nothing', 'dangling', 'PK3402'],
  ])('are not written through %s (GHSA-m37j-52j7-pjw7, GHSA-8xwf-rjm4-xvhv)', async (_, name, code) => {
    mkdirSync(at('victim'));
    mkdirSync(at('out'));
    writeFileSync(at('victim/notes'), 'untouched');
    symlinkSync(at('victim'), at('out/boot'));
    symlinkSync(at('victim/notes'), at('out/notes'));
    symlinkSync(at('victim/new'), at('out/dangling'));
    await expect(write([name === 'boot' ? 'boot/vmlinux' : name])).rejects.toMatchObject({ code });
    expect(readdirSync(at('victim'))).toEqual(['notes']);
    expect(content('victim/notes')).toBe('untouched');
  });

  test.each([[['ok', '../evil']], [['ok', 'a', 'a/b']], [['Ok', 'oK']], [['ok', '.ssh/keys']]])(
    'of which one is refused (%j) are all refused, before anything is written',
    async (titles) => {
      await expect(write(titles)).rejects.toMatchObject({ code: 'PK4002' });
      expect(readdirSync(folder)).toEqual([]);
    },
  );

  test('may have the name that a configuration usually gets, as models do', async () => {
    const model = await artifact(['config.json', 'model.bin'], '{"a":1}');
    await writeFiles(model, { options: { quiet: true, output: at('out') }, signal });
    const name = `config-${model.manifest.config.digest.slice(7, 19)}.json`;
    expect(readdirSync(at('out')).toSorted()).toEqual([name, 'config.json', 'model.bin']);
    expect([content('out/config.json'), content(`out/${name}`)]).toEqual(['config.json', '{"a":1}']);
  });
});
