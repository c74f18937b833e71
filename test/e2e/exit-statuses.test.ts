import { generateKeyPairSync } from 'node:crypto';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { digestOf } from '../../src/base/digest.ts';
import { folderTarget } from '../../src/oci/layout/folder.ts';
import { emptyBlob, produceIndex, produceManifest } from '../../src/oci/model/produce.ts';
import type { Produced } from '../../src/oci/model/produce.ts';
import type { Target } from '../../src/oci/model/ports.ts';
import { putImage } from '../oci/small-image.ts';
import { emptyShelves, smallRegistry } from '../oci/small-registry.ts';
import type { Shelves } from '../oci/small-registry.ts';
import { say, startServer } from '../oci/server.ts';
import type { Handler, TestServer } from '../oci/server.ts';
import { runHere } from './in-process.ts';

const { signal } = new AbortController();
/** What went to a stream at once, as the failures of steps do. */
const shown = vi.hoisted((): string[] => []);
vi.mock('../../src/cli/output.ts', async (original) => ({
  ...(await original<object>()),
  writeAll: (_: number, text: string | Uint8Array) => void shown.push(text.toString()),
}));
const zeros = `sha256:${'0'.repeat(64)}`;
const home = mkdtempSync(join(tmpdir(), 'portkit-statuses-'));
const at = (path: string): string => join(home, path);

interface Ended {
  readonly status: number;
  readonly said: string;
}

async function portkit(...words: readonly string[]): Promise<Ended> {
  shown.length = 0;
  const status = await runHere(words, shown);
  return { status, said: shown.join('\n') };
}

/** A repository (`HOST/r`), the name of what is asked for there (`:v1`), and the digest of a blob. */
interface Asked {
  readonly host: string;
  readonly tag: string;
  readonly digest: string;
}

const refOf = ({ host, tag }: Asked): string => `${host}/r${tag}`;

async function build(step: string, ...more: readonly string[]): Promise<Ended> {
  writeFileSync(at('portkit.toml'), `[steps.base]\n${step}\n`);
  const lines = ['-f', at('portkit.toml'), '--quiet', '--progress', 'plain'];
  return await portkit('build', ...lines, ...more);
}

async function artifacts(verb: string, { host, tag }: Asked): Promise<Ended> {
  const file = at('examples/port.toml');
  const distribution = (one: string) =>
    `[artifacts.kernels.demo.distribution.${one}]\nbackend = "oci-registry"\ntransport = "plain-http"\n`;
  writeFileSync(
    file,
    `[artifacts.kernels.demo.reference]
registry = "${host}"
repository = "r"
version = "${tag.slice(1)}"
${distribution('push')}${distribution('pull')}
[[artifacts.kernels.demo.variants]]
path = "kernel/vmlinux"
selector = { architecture = "x86_64", substrate = "firecracker", protection_mode = "standard" }
build = { step = "base" }

[steps.base]
tree = [{ write = "/vmlinux", text = "kernel" }]
`,
  );
  const lines = ['--config', file, '--artifact', 'demo', '--architecture', 'x86-64'];
  if (verb === 'push') await portkit('artifacts', 'build', ...lines);
  return await portkit('artifacts', verb, ...lines);
}

/** Every verb that speaks to a registry; `writes` says that it needs nothing to be there. */
const verbs: Readonly<Record<string, { readonly run: (asked: Asked) => Promise<Ended>; readonly writes?: true }>> = {
  'push FILE': { writes: true, run: (asked) => portkit('push', at('set.yaml'), refOf(asked), '--family', 'fileset', '-q') },
  'push oci:DIR': { writes: true, run: (asked) => portkit('push', `oci:${at('image')}:v1`, refOf(asked), '-q') },
  'copy to it': { writes: true, run: (asked) => portkit('copy', `oci:${at('image')}:v1`, refOf(asked), '-q') },
  'manifest put': { writes: true, run: (asked) => portkit('manifest', 'put', at('manifest.json'), refOf(asked)) },
  'blob put': { writes: true, run: (asked) => portkit('blob', 'put', at('set.yaml'), `${asked.host}/r`) },
  'oci-registry exporter': {
    writes: true,
    run: (asked) => build(`local = "image"`, '--output', `type=oci-registry,name=${refOf(asked)}`),
  },
  'artifacts push': { writes: true, run: (asked) => artifacts('push', asked) },
  pull: { run: (asked) => portkit('pull', refOf(asked), '-q') },
  'copy from it': { run: (asked) => portkit('copy', refOf(asked), `oci:${at('copied')}`, '-q') },
  'copy to an archive': { run: (asked) => portkit('copy', refOf(asked), `oci-archive:${at('copied.tar')}`, '-q') },
  tag: { run: (asked) => portkit('tag', refOf(asked), 'v2') },
  inspect: { run: (asked) => portkit('inspect', refOf(asked)) },
  referrers: { run: (asked) => portkit('referrers', refOf(asked)) },
  'manifest get': { run: (asked) => portkit('manifest', 'get', refOf(asked), '-o', at('got')) },
  'manifest delete': { run: (asked) => portkit('manifest', 'delete', refOf(asked)) },
  'blob get': { run: ({ host, digest }) => portkit('blob', 'get', `${host}/r@${digest}`, '-o', at('got')) },
  'attest inspect': { run: (asked) => portkit('attest', 'inspect', refOf(asked)) },
  'attest verify': { run: (asked) => portkit('attest', 'verify', refOf(asked), '--key', at('key.pem')) },
  sbom: { run: (asked) => portkit('sbom', refOf(asked)) },
  provenance: { run: (asked) => portkit('provenance', refOf(asked)) },
  'image step': {
    run: (asked) => build(`image = { reference = "${refOf(asked)}", platform = "linux/amd64" }`, '--update'),
  },
  'artifacts pull': { run: (asked) => artifacts('pull', asked) },
};

let servers: { readonly asking: TestServer; readonly lying: TestServer; readonly honest: TestServer };
let blob: string;

beforeAll(async () => {
  vi.stubEnv('HOME', home);
  vi.stubEnv('PORTKIT_ROOT', at('store'));
  for (const name of ['XDG_CONFIG_HOME', 'XDG_RUNTIME_DIR', 'DOCKER_CONFIG', 'REGISTRY_AUTH_FILE']) vi.stubEnv(name, undefined);
  mkdirSync(at('examples'));
  writeFileSync(at('set.yaml'), 'apiVersion: v1\nkind: FileSet\nmetadata: { name: demo }\nspec: { mount: { path: /d } }\n');
  const { publicKey } = generateKeyPairSync('ed25519');
  writeFileSync(at('key.pem'), publicKey.export({ type: 'spki', format: 'pem' }));
  const image = folderTarget(at('image'));
  await putImage(image, 'v1');
  const shelves = emptyShelves();
  const { index, config } = await fill(shelves);
  blob = config;
  const sbom = produceManifest({ artifactType: 'a/b', layers: [], subject: index });
  shelve(shelves, sbom);
  shelve(shelves, produceIndex({ manifests: [{ ...sbom.descriptor, artifactType: 'a/b' }] }), index.digest.replace(':', '-'));
  shelve(shelves, emptyBlob);
  shelves.blobs.set(emptyBlob.descriptor.digest, Buffer.from(emptyBlob.bytes));
  const put1 = produceManifest({ artifactType: 'a/b', layers: [] });
  writeFileSync(at('manifest.json'), put1.bytes);
  const challenge: Handler = (_, response) => say(response, 401, { 'www-authenticate': 'Basic realm="r"' });
  servers = {
    asking: await startServer(challenge),
    lying: await startServer(smallRegistry(shelves, (request, response) => lie(shelves, request, response))),
    honest: await startServer(smallRegistry(shelves)),
  };
});
afterAll(async () => {
  vi.unstubAllEnvs();
  await Promise.all(Object.values(servers).map((server) => server[Symbol.asyncDispose]()));
  rmSync(home, { recursive: true });
});

function shelve(shelves: Shelves, { descriptor, bytes }: Produced, tag: string = descriptor.digest): void {
  const entry = { type: descriptor.mediaType, bytes: Buffer.from(bytes) };
  shelves.manifests.set(descriptor.digest, entry).set(tag, entry);
}

/** An image with the tag v1. */
async function fill(shelves: Shelves) {
  const target: Pick<Target, 'push' | 'tag'> = {
    async push(descriptor, source) {
      const bytes = Buffer.concat(await Array.fromAsync(source.open(signal)));
      if (/manifest|index/.test(descriptor.mediaType)) shelve(shelves, { descriptor, bytes });
      else shelves.blobs.set(descriptor.digest, bytes);
      return 'stored';
    },
    async tag({ digest }, tag) {
      const found = shelves.manifests.get(digest);
      if (found !== undefined) shelves.manifests.set(tag, found);
    },
  };
  const { index } = await putImage(target as Target, 'v1');
  const [config = ''] = shelves.blobs.keys();
  return { index, config };
}

/** Other bytes than it promises; and what is sent there is said to be other bytes, too. */
function lie({ blobs, manifests }: Shelves, ...[request, response]: Parameters<Handler>): boolean {
  const [, kind, name = ''] = /^\/v2\/r\/(blobs|manifests)\/([^?]*)/.exec(request.url ?? '') ?? [];
  if (request.method === 'PUT') {
    request.resume();
    say(response, 400, {}, JSON.stringify({ errors: [{ code: 'DIGEST_INVALID' }] }));
    return true;
  }
  const manifest = manifests.get(name);
  const bytes = kind === 'blobs' ? blobs.get(name) : manifest?.bytes;
  if (request.method !== 'GET' || bytes === undefined) return false;
  const other = Buffer.from(
    bytes.toString('latin1').replace(/[a-z]/, (one) => (one === 'x' ? 'y' : 'x')),
    'latin1',
  );
  const headers = manifest && { 'content-type': manifest.type, 'docker-content-digest': digestOf(bytes) };
  say(response, 200, headers, manifest === undefined ? other : Buffer.concat([bytes, Buffer.from(' ')]));
  return true;
}

beforeEach(() => mkdirSync(at('.docker'), { recursive: true }));
afterEach(() => {
  for (const name of ['store', 'copied', 'copied.tar', 'got', 'kernel', '.docker', 'portkit.lock'])
    rmSync(at(name), { recursive: true, force: true });
});

/** It ends with the status, and an error of this code. */
async function ends(work: Promise<Ended>, status: number, code: RegExp): Promise<string> {
  const { status: ended, said } = await work;
  expect({ status: ended, said }).toEqual({ status, said: expect.stringMatching(code) });
  return said;
}

const reads = Object.entries(verbs).filter(([, { writes }]) => writes === undefined);

describe('every verb that speaks to a registry', () => {
  test.each(Object.entries(verbs))('%s: a login that is missing or wrong is 6', async (_, { run }) => {
    const { host } = servers.asking;
    const asked = { host, tag: ':v1', digest: zeros };
    await ends(run(asked), 6, /error\[PK4030\]/);
    const auths = { [host]: { auth: Buffer.from('user:canary').toString('base64') } };
    writeFileSync(at('.docker/config.json'), JSON.stringify({ auths }));
    expect(await ends(run(asked), 6, /error\[PK4030\]/)).not.toContain('canary');
  });

  test.each(Object.entries(verbs))('%s: a registry that is not reached is 5', async (_, { run }) => {
    const said = await ends(run({ host: '127.0.0.1:1', tag: ':v1', digest: zeros }), 5, /error\[PK4033\]/);
    expect(said).toContain('127.0.0.1:1 cannot be reached: the connection was refused');
    expect(said).not.toContain('ECONNREFUSED');
  });

  test.each(Object.entries(verbs).filter(([name]) => name !== 'manifest delete'))(
    '%s: other bytes than were promised are 7',
    async (_, { run }) => {
      await ends(run({ host: servers.lying.host, tag: ':v1', digest: blob }), 7, /error\[(PK4003|PK3910)\]/);
    },
  );

  test.each(reads)('%s: what is not there is 1', async (_, { run }) => {
    await ends(run({ host: servers.honest.host, tag: ':v9', digest: zeros }), 1, /error\[(PK4001|PK3909)\]/);
  });

  test.each(Object.entries(verbs))('%s: what is no reference is 2', async (_, { run }) => {
    await ends(run({ host: 'Not a host', tag: ':v1', digest: zeros }), 2, /error\[PK/);
  });
});

describe('login', () => {
  const login = (host: string): Promise<Ended> => {
    vi.spyOn(process, 'stdin', 'get').mockReturnValue(
      Readable.from([Buffer.from('canary\n')]) as unknown as typeof process.stdin,
    );
    return portkit('login', host, '-u', 'user', '--password-stdin').finally(() => vi.restoreAllMocks());
  };

  test('what the registry does not take is 6, what is not reached 5, what is no host 2', async () => {
    expect(await ends(login(servers.asking.host), 6, /error\[PK4030\]/)).not.toContain('canary');
    expect(await ends(login('127.0.0.1:1'), 5, /error\[PK4033\]/)).not.toContain('canary');
    expect(await ends(login('not a host'), 2, /error\[PK4041\]/)).not.toContain('canary');
  });
});
