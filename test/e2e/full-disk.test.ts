import { execFile, spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import {
  appendFileSync,
  existsSync,
  globSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { byteString } from '../../src/base/byte-string.ts';
import { digestOf } from '../../src/base/digest.ts';
import { encodeEntry, padding } from '../../src/formats/tar/encode.ts';
import { mediaTypes } from '../../src/oci/model/media-types.ts';
import { describe as describeBlob, emptyBlob, produceManifest } from '../../src/oci/model/produce.ts';
import type { Produced } from '../../src/oci/model/produce.ts';
import { emptyShelves, smallRegistry } from '../oci/small-registry.ts';
import { startServer } from '../oci/server.ts';
import type { TestServer } from '../oci/server.ts';

const file = randomBytes(12 << 20);
const layer = tarOf(file);
const described = describeBlob(layer, mediaTypes.layerTar);
const blobName = `blobs/sha256/${described.digest.slice(7)}`;

const folder = mkdtempSync(join(tmpdir(), 'portkit-full-disk-'));
/** A file system of its own; `roomy` is beside it. */
const disk = join(folder, 'disk');
const roomy = join(folder, 'roomy');
let server: TestServer;
let imageDigest: string;

/** Why no file system can be mounted here. */
const reason = whyNoMount();

function whyNoMount(): string | undefined {
  if (process.getuid?.() !== 0) return 'needs root to mount a small file system';
  const place = join(folder, 'trial');
  mkdirSync(place);
  const { status, stderr, error } = spawnSync('mount', ['-t', 'tmpfs', 'tmpfs', place], { encoding: 'utf8' });
  if (status === 0) spawnSync('umount', [place]);
  return status === 0 ? undefined : `cannot mount a small file system: ${error?.message ?? stderr}`;
}

function mount(...options: readonly string[]): void {
  const { status, stderr } = spawnSync('mount', ['-t', 'tmpfs', '-o', ...options, 'tmpfs', disk], { encoding: 'utf8' });
  if (status !== 0) throw new Error(stderr);
}

interface Ran {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs the program while the server of this process answers. */
function portkit(args: readonly string[], env: Readonly<Record<string, string>> = {}, input = ''): Promise<Ran> {
  const { promise, resolve } = Promise.withResolvers<Ran>();
  const all = { PATH: process.env['PATH'], HOME: roomy, PORTKIT_ROOT: join(roomy, 'store'), ...env };
  const program = join(process.cwd(), 'bin/portkit');
  const child = execFile('sh', [program, ...args], { env: all, cwd: folder, maxBuffer: 64 << 20 }, (_, stdout, stderr) =>
    resolve({ status: child.exitCode, stdout, stderr }),
  );
  child.stdin?.end(input);
  return promise;
}

interface Trouble {
  readonly env?: Readonly<Record<string, string>>;
  /** Looks at what is there when it has failed. */
  readonly between: () => void;
}

/** It fails with a full disk, and what to do about it; with room, the same succeeds. */
async function failsThenSucceeds(args: readonly string[], { env = {}, between }: Trouble): Promise<string> {
  const full = await portkit(args, env);
  expect(full).toMatchObject({ status: 69, stdout: '', stderr: expect.stringMatching(/error\[PK2007\]: [^]*\n {2}= help: \S/) });
  between();
  mount('remount,size=96m');
  expect(await portkit(args, env)).toMatchObject({ status: 0, stderr: '' });
  return full.stderr;
}

/** The files on the disk. */
const onDisk = () =>
  globSync('**', { cwd: disk }).filter((path) => statSync(join(disk, path), { throwIfNoEntry: false })?.isFile() === true);

beforeAll(async () => {
  const shelves = emptyShelves();
  const shelve = ({ descriptor, bytes }: Produced) => shelves.blobs.set(descriptor.digest, Buffer.from(bytes));
  const name = (tag: string, { descriptor, bytes }: Produced) => {
    const entry = { type: descriptor.mediaType, bytes: Buffer.from(bytes) };
    shelves.manifests.set(tag, entry).set(descriptor.digest, entry);
  };
  shelve(emptyBlob);
  shelve({ descriptor: described, bytes: layer });
  const platform = { os: 'linux', architecture: 'amd64' };
  const config = Buffer.from(JSON.stringify({ ...platform, rootfs: { type: 'layers', diff_ids: [digestOf(layer)] } }));
  const configured = { descriptor: describeBlob(config, mediaTypes.imageConfig), bytes: config };
  shelve(configured);
  const image = produceManifest({ config: configured.descriptor, layers: [described] });
  imageDigest = image.descriptor.digest;
  name('image', image);
  name('artifact', produceManifest({ artifactType: 'text/x', config: emptyBlob.descriptor, layers: [described] }));
  name('several', produceManifest({ artifactType: 'text/x', layers: [described, configured.descriptor] }));
  server = await startServer(smallRegistry(shelves));
});
afterAll(async () => {
  await server[Symbol.asyncDispose]();
  rmSync(folder, { recursive: true });
});

if (reason !== undefined) test('a disk that gets full', ({ skip }) => skip(reason));

describe.skipIf(reason !== undefined)('a disk that gets full', () => {
  beforeEach(() => {
    mkdirSync(disk);
    mkdirSync(roomy);
    mount('size=6m');
  });
  afterEach(() => {
    spawnSync('umount', [disk]);
    rmSync(disk, { recursive: true });
    rmSync(roomy, { recursive: true });
  });

  test('pull -o FILE', async () => {
    const output = join(disk, 'layer');
    await failsThenSucceeds(['pull', `${server.host}/r:artifact`, '-o', output, '-q'], {
      between: () => expect(onDisk()).toEqual([]),
    });
    expect(readFileSync(output).equals(layer)).toBe(true);
  });

  test('pull -o FILE keeps the file that stood there', async () => {
    const output = join(disk, 'layer');
    writeFileSync(output, 'before');
    await failsThenSucceeds(['pull', `${server.host}/r:artifact`, '-o', output, '-q'], {
      between: () => {
        expect(onDisk()).toEqual(['layer']);
        expect(readFileSync(output, 'utf8')).toBe('before');
      },
    });
    expect(readFileSync(output).equals(layer)).toBe(true);
  });

  test('pull -o DIR', async () => {
    const output = join(disk, 'all');
    mkdirSync(output);
    await failsThenSucceeds(['pull', `${server.host}/r:artifact`, '-o', output, '-q'], {
      between: () => expect(onDisk()).toEqual([]),
    });
    const [only = ''] = onDisk();
    expect(readFileSync(join(disk, only)).equals(layer)).toBe(true);
  });

  test('pull of several files, with no room for their folder', async () => {
    mount('remount,nr_inodes=1');
    const args = ['pull', `${server.host}/r:several`, '-o', join(disk, 'all'), '-q'];
    await failsThenSucceeds(args, { between: () => mount('remount,nr_inodes=100') });
    expect(onDisk()).toHaveLength(2);
  });

  test('pull to standard output', async () => {
    const line = `"$0" "$@" >${join(disk, 'out')}`;
    const args = ['-c', line, join(process.cwd(), 'bin/portkit'), 'pull', `${server.host}/r:artifact`, '-q'];
    const run = () =>
      new Promise<Ran>((resolve) => {
        const env = { PATH: process.env['PATH'], HOME: roomy, PORTKIT_ROOT: join(roomy, 'store') };
        const child = execFile('sh', args, { env }, (_, stdout, stderr) => resolve({ status: child.exitCode, stdout, stderr }));
      });
    expect(await run()).toMatchObject({ status: 69, stderr: expect.stringContaining('error[PK2007]') });
    mount('remount,size=96m');
    expect(await run()).toEqual({ status: 0, stdout: '', stderr: '' });
    expect(readFileSync(join(disk, 'out')).equals(layer)).toBe(true);
  });

  test('copy to a layout', async () => {
    const args = ['copy', `${server.host}/r:image`, `oci:${join(disk, 'layout')}:v1`, '-q'];
    await failsThenSucceeds(args, {
      between: () => {
        expect(existsSync(join(disk, 'layout/index.json'))).toBe(false);
        expect(onDisk().filter((path) => path.endsWith(blobName) || path.includes('.portkit-new'))).toEqual([]);
      },
    });
    expect(readFileSync(join(disk, 'layout', blobName)).equals(layer)).toBe(true);
  });

  test.each([
    ['its blobs', '6m'],
    ['the tar beside them', '18m'],
  ])('copy to an archive, with no room for %s', async (_, size) => {
    mount(`remount,size=${size}`);
    const archive = join(disk, 'image.tar');
    await failsThenSucceeds(['copy', `${server.host}/r:image`, `oci-archive:${archive}:v1`, '-q'], {
      between: () => expect(onDisk()).toEqual([]),
    });
    expect(onDisk()).toEqual(['image.tar']);
    expect(await portkit(['inspect', `oci-archive:${archive}:v1`])).toMatchObject({ status: 0 });
  });

  test('pull into the store', async () => {
    const env = { PORTKIT_ROOT: join(disk, 'store') };
    const push = ['push', `${server.host}/r:image`, `${server.host}/r:other`, '-q'];
    await failsThenSucceeds(['pull', `${server.host}/r:image`, '-q'], { env, between: () => undefined });
    expect(await portkit(push, env)).toMatchObject({ status: 0 });
    expect(await portkit(['cache', 'verify'], env)).toMatchObject({ status: 0 });
  });

  test('an image step', async () => {
    const env = { PORTKIT_ROOT: join(disk, 'store') };
    writeFileSync(
      join(roomy, 'portkit.toml'),
      `[steps.base]\nimage = { reference = "${server.host}/r:image", digest = "${imageDigest}", platform = "linux/amd64" }\n`,
    );
    const output = join(roomy, 'out');
    const build = ['build', '-f', join(roomy, 'portkit.toml'), '-q', '--output', `type=local,dest=${output}`];
    await failsThenSucceeds(build, { env, between: () => expect(existsSync(output)).toBe(false) });
    expect(readFileSync(join(output, 'a')).equals(file)).toBe(true);
    expect(await portkit(['cache', 'verify'], env)).toMatchObject({ status: 0 });
  });

  test('a login: the ones that are there stay', async () => {
    const login = (user: string) =>
      portkit(['login', 'reg.example:5000', '-u', user, '--password-stdin', '--no-verify'], { HOME: disk }, 'pw');
    expect(await login('before')).toMatchObject({ status: 0 });
    expect(() => {
      for (;;) appendFileSync(join(disk, 'ballast'), Buffer.alloc(4096));
    }).toThrow('ENOSPC');
    const full = await login('after');
    expect(full).toMatchObject({ status: 69, stderr: expect.stringMatching(/error\[PK2007\]: [^]*\n {2}= help: \S/) });
    expect((await portkit(['auth', 'list', '--json'], { HOME: disk })).stdout).toContain('"before"');
    rmSync(join(disk, 'ballast'));
    expect(await login('after')).toMatchObject({ status: 0 });
  });

  test.each([
    ['oci-layout', 'dest=DISK/out'],
    ['oci-archive', 'dest=DISK/out'],
    ['file-store', 'dest=DISK/out,name=registry.example/r:v1'],
    ['local', 'dest=DISK/out'],
    ['tar', 'dest=DISK/out'],
    ['plugin', `from=${join(process.cwd(), 'examples/exporter-plugin/index.ts')},dest=DISK/out`],
  ])('an output of type %s', async (type, rest) => {
    mkdirSync(join(roomy, 'files'));
    writeFileSync(join(roomy, 'files/a'), file);
    writeFileSync(
      join(roomy, 'portkit.toml'),
      '[steps.pack]\noci = { artifact_type = "a/b", layers = [{ name = "root", from = "local:files" }] }\n[targets]\np = "step:pack"\n',
    );
    const output = `type=${type},${rest.replace('DISK', disk)}`;
    const build = ['build', '-f', join(roomy, 'portkit.toml'), '-q', '--output', output];
    const told = await failsThenSucceeds(build, { between: () => expect(onDisk()).toEqual([]) });
    expect(told).not.toContain('/proc/');
    if (type !== 'plugin') expect(told).toContain(join(disk, 'out'));
  });

  test('the folder of parts alone: it is done without', async () => {
    const env = { PORTKIT_ROOT: join(disk, 'store') };
    const output = join(roomy, 'layer');
    const got = await portkit(['pull', `${server.host}/r:artifact`, '-o', output, '-q'], env);
    expect(got).toMatchObject({ status: 0, stderr: '' });
    expect(readFileSync(output).equals(layer)).toBe(true);
    expect(onDisk().filter((path) => path.endsWith('.part'))).toEqual([]);
  });

  test('the temporary folder, for what is pushed', async () => {
    writeFileSync(join(roomy, 'file'), layer);
    writeFileSync(
      join(roomy, 'set.yaml'),
      'apiVersion: v1\nkind: FileSet\nmetadata: { name: demo }\nspec: { mount: { path: /d } }\n',
    );
    const env = { TMPDIR: disk };
    for (const args of [
      ['blob', 'put', join(roomy, 'file'), `${server.host}/r`],
      ['push', join(roomy, 'set.yaml'), `${server.host}/r:set`, '--family', 'fileset', '--content', join(roomy, 'file'), '-q'],
    ]) {
      mount('remount,size=6m');
      await failsThenSucceeds(args, { env, between: () => expect(onDisk()).toEqual([]) });
    }
  });
});

function tarOf(bytes: Buffer): Buffer {
  const own = { path: byteString('a'), mode: 0o644, uid: 0, gid: 0, mtime: { seconds: 0, nanos: 0 }, xattrs: [] };
  const entry = { ...own, type: 'file', size: bytes.length, content: ReadableStream.from([bytes]) } as const;
  return Buffer.concat([encodeEntry(entry), bytes, padding(bytes.length), Buffer.alloc(1024)]);
}
