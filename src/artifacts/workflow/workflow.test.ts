import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { startResults } from '../../../test/exporters/results.ts';
import { digestOf } from '../../base/digest.ts';
import { takeLock } from '../../execution/lock.ts';
import type { Artifact, BackendConfig } from '../model/artifact.ts';
import type { Chosen } from '../model/paths.ts';
import { deliver, stepsOf } from './deliver.ts';
import { inspect } from './inspect.ts';
import { pull } from './pull.ts';
import { push } from './push.ts';
import { resultFile } from './result-file.ts';
import { builtBy, validate } from './validate.ts';
import type { Workplace } from './workplace.ts';

let project: string;
let workplace: Workplace;
const { signal } = new AbortController();

const path = 'artifacts/guest/rootfs.ext4';
const initrd = 'artifacts/guest/initrd.cpio.gz';
const below = 'demo-fs/port/demo-guest/v1/x86_64/firecracker/pvm';
const store: BackendConfig = { backend: 'file-system', root: 'artifact-store/demo-fs' };

function chosenWith(changes: Partial<Artifact> = {}): Chosen {
  const variant = {
    selector: { architecture: 'x86_64', substrate: 'firecracker', protection_mode: 'pvm' },
    path,
    build: { step: 'rootfs', initrd: 'initrd' },
  } as const;
  const artifact: Artifact = {
    kind: 'guest-image',
    name: 'demo-guest',
    reference: { registry: 'demo-fs', repository: 'port/demo-guest', version: 'v1' },
    cacheRoot: '.port/cache',
    push: store,
    pull: store,
    variants: [variant],
    ...changes,
  };
  return { artifact, variant };
}

const chosen = chosenWith();

beforeEach(() => {
  project = mkdtempSync(join(tmpdir(), 'portkit-workflow-'));
  const asked = () => Promise.reject(new Error('a registry was asked'));
  workplace = { project, takeLock, signal, registries: { openRepository: asked, waiting: { pause: asked, settle: asked } } };
});

afterEach(() => rmSync(project, { recursive: true, force: true }));

function write(file: string, text: string): void {
  mkdirSync(dirname(join(project, file)), { recursive: true });
  writeFileSync(join(project, file), text);
}

function read(file: string): string {
  return readFileSync(join(project, file), 'utf8');
}

function files(folder = '.'): readonly string[] {
  const found = readdirSync(join(project, folder), { recursive: true, encoding: 'utf8' });
  return found.filter((file) => statSync(join(project, folder, file)).isFile()).toSorted();
}

function writeBoth(): void {
  write(path, 'rootfs');
  write(initrd, 'initrd');
}

describe('push', () => {
  test('writes store and cache, and says so', async () => {
    writeBoth();
    const done = await push(chosen, workplace);
    expect(done).toMatchObject({
      backend: 'file-system',
      files: [
        {
          name: 'rootfs.ext4',
          local: path,
          store: `artifact-store/demo-fs/${below}/rootfs.ext4`,
          cache: `.port/cache/${below}/rootfs.ext4`,
          digest: digestOf('rootfs'),
          size: 6,
        },
        { name: 'initrd.cpio.gz' },
      ],
    });
    for (const root of ['artifact-store/demo-fs', '.port/cache']) {
      expect(files(root)).toEqual([
        '.portkit-lock',
        ...['initrd.cpio.gz', 'initrd.cpio.gz.sha256', 'rootfs.ext4', 'rootfs.ext4.sha256'].map((name) => `${below}/${name}`),
      ]);
      expect(read(`${root}/${below}/rootfs.ext4`)).toBe('rootfs');
    }
  });

  test('makes copies: what happens to the file afterwards touches neither', async () => {
    writeBoth();
    await push(chosen, workplace);
    writeFileSync(join(project, path), 'scribble');
    expect(read(`artifact-store/demo-fs/${below}/rootfs.ext4`)).toBe('rootfs');
    const inodes = ['artifact-store/demo-fs', '.port/cache'].map((root) => statSync(join(project, root, below, 'rootfs.ext4')));
    expect(inodes.map(({ nlink }) => nlink)).toEqual([1, 1]);
  });

  test('of a file that is missing or empty changes nothing', async () => {
    write(path, 'rootfs');
    await expect(push(chosen, workplace)).rejects.toMatchObject({ code: 'PK3909', message: expect.stringContaining(initrd) });
    write(initrd, '');
    await expect(push(chosen, workplace)).rejects.toMatchObject({ code: 'PK3909', message: expect.stringContaining('is empty') });
    expect(files()).toEqual([initrd, path]);
  });

  test.each([
    [undefined, 'PK3907', 'has no distribution.push'],
    [{ backend: 'hosted-api', endpoint: 'http://127.0.0.1:7040' }, 'PK3908', 'hosted-api is not in this version'],
    [{ backend: 'oci-registry' }, 'PK3907', 'The registry demo-fs of the guest-image artifact'],
  ] satisfies [BackendConfig | undefined, string, string][])('to %j is refused', async (config, code, message) => {
    writeBoth();
    const { push: _, ...rest } = chosen.artifact;
    const other = { ...chosen, artifact: config === undefined ? rest : { ...rest, push: config } };
    await expect(push(other, workplace)).rejects.toMatchObject({ code, message: expect.stringContaining(message) });
    expect(files()).toEqual([initrd, path]);
  });

  test('does not follow links out of the project', async () => {
    writeBoth();
    const outside = mkdtempSync(join(tmpdir(), 'portkit-outside-'));
    symlinkSync(outside, join(project, '.port'));
    await expect(push(chosen, workplace)).rejects.toMatchObject({ code: 'PK3906' });
    expect(readdirSync(outside)).toEqual([]);
    rmSync(outside, { recursive: true });
  });
});

describe('pull', () => {
  beforeEach(async () => {
    writeBoth();
    await push(chosen, workplace);
    for (const each of ['artifacts', '.port']) rmSync(join(project, each), { recursive: true });
  });

  test('restores the canonical path and the cache', async () => {
    expect(await pull(chosen, workplace)).toMatchObject({ files: [{ local: path, verified: true }, { verified: true }] });
    expect([read(path), read(initrd)]).toEqual(['rootfs', 'initrd']);
    expect(read(`.port/cache/${below}/rootfs.ext4`)).toBe('rootfs');
  });

  test('of a damaged store names the file, and changes nothing', async () => {
    write(path, 'mine');
    writeFileSync(join(project, `artifact-store/demo-fs/${below}/initrd.cpio.gz`), 'inotrd');
    await expect(pull(chosen, workplace)).rejects.toMatchObject({
      code: 'PK3910',
      message: expect.stringContaining(
        `artifact-store/demo-fs/${below}/initrd.cpio.gz is damaged: expected ${digestOf('initrd')}`,
      ),
    });
    expect(files('artifacts')).toEqual(['guest/rootfs.ext4']);
    expect(read(path)).toBe('mine');
    expect(files('.port')).toEqual([]);
  });

  test('takes no other variant in place of one that is not there', async () => {
    const standard = { ...chosen.variant, selector: { ...chosen.variant.selector, protection_mode: 'standard' as const } };
    await expect(pull({ ...chosen, variant: standard }, workplace)).rejects.toMatchObject({
      code: 'PK3909',
      message: expect.stringContaining('demo-fs/port/demo-guest:v1 for x86_64/firecracker/standard is not in the store'),
    });
    expect(existsSync(join(project, 'artifacts'))).toBe(false);
  });

  test('takes what another tool has stored, and says that it was not verified', async () => {
    const folder = join(project, 'artifact-store/demo-fs', below);
    for (const name of ['rootfs.ext4', 'initrd.cpio.gz']) rmSync(join(folder, `${name}.sha256`));
    expect(await pull(chosen, workplace)).toMatchObject({ files: [{ verified: false }, { verified: false }] });
    expect(read(path)).toBe('rootfs');
  });

  test('from a store that is elsewhere, by an absolute root', async () => {
    const elsewhere = { backend: 'file-system', root: join(project, 'artifact-store/demo-fs') } as const;
    await pull(chosenWith({ pull: elsewhere }), workplace);
    expect(read(path)).toBe('rootfs');
  });
});

describe('deliver', () => {
  test('writes results, and leaves alone what is there already', async () => {
    const results = startResults();
    const rootfs = (await results.blob('rootfs', 'rootfs')).ref;
    const tree = (await results.tree('initrd', { 'initrd.cpio.gz': { text: 'initrd' }, other: { text: 'x' } })).ref;
    const refs = { rootfs, initrd: tree };
    const first = await deliver(chosen, { refs, blobs: results.blobs }, workplace);
    expect(first.files.map(({ unchanged }) => unchanged)).toEqual([false, false]);
    expect([read(path), read(initrd)]).toEqual(['rootfs', 'initrd']);
    const before = statSync(join(project, path), { bigint: true }).mtimeNs;
    writeFileSync(join(project, initrd), 'other');
    const second = await deliver(chosen, { refs, blobs: results.blobs }, workplace);
    expect(second.files.map(({ unchanged }) => unchanged)).toEqual([true, false]);
    expect(statSync(join(project, path), { bigint: true }).mtimeNs).toBe(before);
    expect(read(initrd)).toBe('initrd');
  });

  test('needs one file of a step', async () => {
    const results = startResults();
    const tree = (await results.tree('t', { vmlinuz: { text: 'k' }, vmlinux: { to: 'vmlinuz' } })).ref;
    const context = { blobs: results.blobs, signal };
    await expect(resultFile({ step: 's', ref: tree }, 'vmlinux', context)).rejects.toMatchObject({
      code: 'PK3911',
      message: 'The step "s" makes a tree that has a symlink instead of the file "vmlinux" at its top',
    });
    await expect(resultFile({ step: 's', ref: tree }, 'other', context)).rejects.toThrow('has no file "other"');
    const gone = { kind: 'blob', digest: digestOf('gone') } as const;
    await expect(resultFile({ step: 's', ref: gone }, 'x', context)).rejects.toMatchObject({ code: 'PK2002' });
  });

  test('needs a step', () => {
    expect(stepsOf(chosen)).toEqual(['rootfs', 'initrd']);
    const { build: _, ...variant } = chosen.variant;
    expect(() => stepsOf({ ...chosen, variant })).toThrow('names no step that builds x86_64/firecracker/pvm');
  });
});

describe('validate', () => {
  const made = builtBy(({ name }) => Promise.resolve(name === 'rootfs.ext4' ? digestOf('rootfs') : undefined));
  const found = async (): Promise<readonly string[]> =>
    (await validate(chosen, [made], workplace)).findings.map(({ check, message }) => `${check}: ${message}`);

  test('finds nothing wrong with what is right', async () => {
    writeBoth();
    expect(await found()).toEqual([]);
    await push(chosen, workplace);
    expect(await validate(chosen, [made], workplace)).toMatchObject({
      findings: [],
      files: [{ path, digest: digestOf('rootfs'), size: 6 }, { path: initrd }],
    });
  });

  test('finds everything at once', async () => {
    writeBoth();
    await push(chosen, workplace);
    write(path, 'other');
    rmSync(join(project, initrd));
    writeFileSync(join(project, `.port/cache/${below}/initrd.cpio.gz`), 'x');
    writeFileSync(join(project, `artifact-store/demo-fs/${below}/rootfs.ext4`), 'x');
    expect(await found()).toEqual([
      `digest: sha256 mismatch with the step "rootfs": expected ${digestOf('rootfs')}, got ${digestOf('other')}`,
      expect.stringContaining(`store: artifact-store/demo-fs/${below}/rootfs.ext4 is damaged`),
      `present: guest-image artifact is not there: ${initrd}`,
      expect.stringContaining(`cache: .port/cache/${below}/initrd.cpio.gz is damaged`),
    ]);
    write(path, '');
    expect(await found()).toContain(`not-empty: guest-image artifact is empty: ${path}`);
  });

  test('gives each validator the whole of a file', async () => {
    writeBoth();
    const seen: string[] = [];
    const spy = {
      check: async ({ path: at, size }: { readonly path: string; readonly size: number }) => {
        seen.push(`${readFileSync(at, 'utf8')} ${size}`);
        return ['one', 'two'].map((message) => ({ check: 'spy', message }));
      },
    };
    expect((await validate(chosen, [spy], workplace)).findings.map(({ check, message }) => check + message)).toEqual([
      'spyone',
      'spytwo',
      'spyone',
      'spytwo',
    ]);
    expect(seen).toEqual(['rootfs 6', 'initrd 6']);
  });
});

test('inspect tells where a variant is, and whether it is whole there', async () => {
  expect(await inspect(chosen, workplace)).toMatchObject([
    { name: 'rootfs.ext4', local: { state: 'absent' }, store: { state: 'absent' }, cache: { state: 'absent' } },
    { name: 'initrd.cpio.gz' },
  ]);
  writeBoth();
  await push(chosen, workplace);
  writeFileSync(join(project, `.port/cache/${below}/rootfs.ext4`), 'x');
  const [rootfs] = await inspect(chosen, workplace);
  expect(rootfs).toMatchObject({
    local: { path, state: 'there', size: 6 },
    store: { state: 'whole' },
    cache: { state: 'damaged' },
  });
  const hosted = chosenWith({ pull: { backend: 'hosted-api', endpoint: 'http://127.0.0.1:1' } });
  expect((await inspect(hosted, workplace))[0]).not.toHaveProperty('store');
});
