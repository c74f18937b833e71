import { execFile, spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { whyNoSandbox } from '../sandbox/rig.ts';

let folder: string;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'portkit-external-'));
  place('rootfs/motd', 'hello');
});

afterAll(() => rmSync(folder, { recursive: true, force: true }));

function place(path: string, text: string): string {
  const file = join(folder, path);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, text);
  return file;
}

interface Ran {
  readonly status: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs portkit beside the servers of this process. */
function portkit(...args: readonly string[]): Promise<Ran> {
  const env = {
    ...process.env,
    PORTKIT_ROOT: join(folder, 'store'),
    PORTKIT_SCRATCH: join('/var/tmp', `portkit-test-${process.pid}`),
  };
  return new Promise((resolve) => {
    const child = execFile('sh', ['bin/portkit', ...args], { env }, (_, stdout, stderr) =>
      resolve({ status: child.exitCode ?? -1, stdout, stderr }),
    );
  });
}

const pack =
  '[steps.pack]\noci = { artifact_type = "application/vnd.example.v1", layers = [{ name = "root", from = "local:rootfs" }] }\n';

function build(steps: string, ...args: readonly string[]): Promise<Ran> {
  return portkit('build', '--file', place('portkit.toml', pack + steps), ...args);
}

/** A document of a layout folder. */
function documentOf(layout: string, { digest }: { readonly digest: string }): any {
  return JSON.parse(readFileSync(join(layout, 'blobs', ...digest.split(':')), 'utf8'));
}

const isHere = (tool: string): boolean => spawnSync(tool, ['--version']).status === 0;

describe.skipIf(whyNoSandbox() !== undefined)('in the sandbox', () => {
  test('a program sees the layout and nothing else', async () => {
    const script = [
      'read -r request',
      'ls /in >&2',
      'touch /in/layout/x 2>/dev/null && exit 9',
      'grep -c : /proc/net/dev >&2',
      'printf %s "$request" >/out/request.json',
      'echo \'{"type":"result","referrers":[{"artifactType":"a/b","layers":[{"path":"request.json","mediaType":"application/json"}]}]}\'',
    ].join('\n');
    place('tools/post.sh', script);
    const out = join(folder, 'seen');
    const ran = await build(
      '[steps.x]\nexternal = { from = "step:pack", argv = ["sh", "/in/tools/post.sh"], inputs = { tools = "local:tools" }, options = { a = [1] } }\n',
      'x',
      '--output',
      out,
      '--progress=json',
    );
    expect(ran.status).toBe(0);
    const text = ran.stderr.split('\n').flatMap((line) => (line.includes('"output"') ? JSON.parse(line).text : []));
    expect(text.join('')).toBe('layout\nrequest\ntools\n1\n');
    const [, told] = JSON.parse(readFileSync(join(out, 'index.json'), 'utf8')).manifests;
    const request = documentOf(out, documentOf(out, told).layers[0]);
    expect(request).toMatchObject({ version: 1, options: { a: [1] } });
  });

  test('a module that throws is told with what it said', async () => {
    place('broken.ts', 'export function postprocess(): never {\n  throw new Error("the moon is full");\n}\n');
    const { status, stderr } = await build('[steps.x]\nexternal = { from = "step:pack", postprocessor = "./broken.ts" }\n', 'x');
    expect(status).toBe(1);
    expect(stderr).toContain('error[PK3101]: step x: The postprocessor ./broken.ts ended with status 1\n');
    expect(stderr.match(/Error: the moon is full/g)).toHaveLength(1);
  });

  test('a module is part of the key, and what it prints breaks nothing', async () => {
    const module = (text: string): string =>
      `import { writeFileSync } from 'node:fs';\nexport const postprocess = ({ out }: { out: string }) => { console.log('${text}'); writeFileSync(out + '/a', '${text}');\n` +
      `return { referrers: [{ artifactType: 'a/b', layers: [{ path: 'a', mediaType: 'text/plain' }] }] }; };\n`;
    const steps = '[steps.x]\nexternal = { from = "step:pack", postprocessor = "./post.ts" }\n';
    place('post.ts', module('one'));
    const first = await build(steps, 'x', '--quiet');
    expect(await build(steps, 'x', '--quiet', '--expect-cached')).toMatchObject({ status: 0, stdout: first.stdout });
    place('post.ts', module('two'));
    const second = await build(steps, 'x', '--quiet');
    expect(second.status).toBe(0);
    expect(second.stdout).not.toBe(first.stdout);
  });

  test('a package of node_modules runs as a module', async () => {
    place('node_modules/@me/post/package.json', '{"name":"@me/post","type":"module","exports":"./main.js"}');
    place('node_modules/@me/post/main.js', 'export const postprocess = () => ({ referrers: [] });\n');
    const ran = await build(
      '[steps.x]\nexternal = { from = "step:pack", postprocessor = "@me/post" }\n[targets]\nx = "step:x"\npack = "step:pack"\n',
      'x',
      'pack',
      '--quiet',
    );
    expect(ran.status).toBe(0);
    const [x, packed] = ran.stdout.trim().split('\n');
    expect(x).toBe(packed);
  });

  test('one that takes too long is ended', async () => {
    const steps = '[steps.x]\nexternal = { from = "step:pack", argv = ["sleep", "60"], timeout = "1s" }\n';
    const { status, stderr } = await build(steps, 'x');
    expect([status, stderr]).toEqual([1, expect.stringContaining('error[PK3103]: step x: The postprocessor sleep ran longer')]);
  });

  test('no deployment is built as another step', async () => {
    const deploy = '[steps.go]\ndeploy = { from = "step:pack", argv = ["true"] }\n';
    expect((await build(`${deploy}[steps.x]\nmerge = ["step:go"]\n`, 'x')).stderr).toContain('PK1103');
    const all = await build(deploy, '--json');
    expect(JSON.parse(all.stdout)).toMatchObject({ ok: true, targets: {}, deployments: [] });
    const named = await build(deploy, 'go', '--json');
    expect(JSON.parse(named.stdout)).toMatchObject({ targets: { pack: {} }, deployments: [{ deployment: 'go', ok: true }] });
  });
});

describe.skipIf(whyNoSandbox() !== undefined || !isHere('python3') || !isHere('xorriso'))('the example', () => {
  const received = new Map<string, { readonly token: string | undefined; readonly wasExported: boolean }>();
  let answer = 201;
  const server = createServer((request, response) => {
    request.resume().on('end', () => {
      const wasExported = existsSync(join(folder, 'exported/index.json'));
      received.set(request.url ?? '', { token: request.headers.authorization, wasExported });
      response.writeHead(answer).end();
    });
  });
  let args: readonly string[];

  beforeAll(async () => {
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as AddressInfo;
    cpSync('examples/postprocessors', join(folder, 'example'), { recursive: true });
    const secrets = [`deploy-url=${place('url', `http://127.0.0.1:${port}/v1`)}`, `deploy-token=${place('token', 'hunter2')}`];
    const file = join(folder, 'example/portkit.toml');
    args = ['--file', file, ...secrets.flatMap((secret) => ['--secret', secret])];
  });

  afterAll(() => server.close());

  const deployment = (change: object = {}): object => ({ deployment: 'demo.deploy', ok: true, ...change });

  test('makes an ISO image and a page, and deploys nothing of itself', async () => {
    const out = join(folder, 'made');
    expect(await portkit('build', ...args, '--output', `type=local,dest=${out}`)).toMatchObject({ status: 0 });
    const layout = join(out, 'demo.summary');
    const [main, page] = JSON.parse(readFileSync(join(layout, 'index.json'), 'utf8')).manifests;
    const [, iso] = documentOf(layout, main).layers;
    const image = readFileSync(join(layout, 'blobs', ...iso.digest.split(':')));
    expect(image.toString('latin1', 32769, 32774)).toBe('CD001');
    const [text] = documentOf(layout, page).layers;
    const written = readFileSync(join(layout, 'blobs', ...text.digest.split(':')), 'utf8');
    expect(written).toMatch(/^# What is in it\n\n- rootfs\.tar: \d+ bytes\n- image\.iso: \d+ bytes\n$/);
    expect(received.size).toBe(0);
  });

  test('deploys after it has exported, each time, and says so', async () => {
    const exported = join(folder, 'exported');
    const metadata = join(folder, 'metadata.json');
    const first = await portkit('build', ...args, 'demo.deploy', '--output', exported, '--metadata-file', metadata);
    expect(first.status).toBe(0);
    expect(first.stderr).not.toContain('hunter2');
    const layout = JSON.parse(readFileSync(metadata, 'utf8'));
    expect(layout).toMatchObject({ ok: true, deployments: [deployment({ layout: layout.targets['demo.summary'].digest })] });
    expect(received.size).toBeGreaterThan(4);
    expect([...received.keys()]).toContain('/v1/index.json');
    expect(new Set([...received.values()].map((one) => JSON.stringify(one)))).toEqual(
      new Set([JSON.stringify({ token: 'Bearer hunter2', wasExported: true })]),
    );
    received.clear();
    const second = await portkit('build', ...args, 'demo.deploy', '--json');
    expect(JSON.parse(second.stdout)).toMatchObject({ deployments: [deployment()] });
    expect(received.size).toBeGreaterThan(4);
  });

  test.each([['--check'], ['--expect-cached']])('deploys nothing with %s', async (flag) => {
    received.clear();
    const ran = await portkit('build', ...args, 'demo.deploy', flag);
    expect(ran).toMatchObject({ status: 0, stderr: expect.stringContaining('Nothing is deployed') });
    expect((await portkit('plan', ...args.slice(0, 2), 'demo.deploy')).stdout).toContain('run    demo.deploy');
    expect(received.size).toBe(0);
  });

  test('builds and exports nothing when one of its secrets is missing', async () => {
    received.clear();
    const unmade = join(folder, 'unmade');
    const ran = await portkit('build', ...args.slice(0, 4), 'demo.deploy', '--output', unmade);
    expect(ran).toMatchObject({
      status: 2,
      stdout: '',
      stderr: expect.stringMatching(/PK3108.*deploy-token[^]*--secret deploy-token=FILE/),
    });
    expect(existsSync(unmade)).toBe(false);
    expect(received.size).toBe(0);
  });

  test('fails when the other side does, and does nothing after that', async () => {
    answer = 500;
    const file = join(folder, 'example/portkit.toml');
    const more = '\n[[artifacts.guest_images.demo.postprocess]]\nname = "later"\ndeploy = { argv = ["true"] }\n';
    writeFileSync(file, readFileSync(file, 'utf8') + more);
    const ran = await portkit('build', ...args, 'demo.later', 'demo.deploy', '--json');
    expect(ran.status).toBe(1);
    expect(ran.stderr).toMatch(/error\[PK3101\]: step demo\.deploy: python3 ended[^]*HTTP Error 500/);
    const { ok, deployments } = JSON.parse(ran.stdout);
    expect(ok).toBe(false);
    expect(deployments).toEqual([expect.objectContaining(deployment({ ok: false, code: 'PK3101' }))]);
  });
});

test('the page shows the example as it is', () => {
  const page = readFileSync('docs/postprocessors.md', 'utf8');
  const shown = page.slice(page.indexOf('### `external`'), page.indexOf('## Of artifacts'));
  const blocks = [...shown.matchAll(/^```(?:toml|ts)\n(.*?)^```$/gms)].map(([, text = '']) => text.trim());
  const files = ['portkit.toml', 'summary.ts'].map((name) => readFileSync(join('examples/postprocessors', name), 'utf8'));
  expect(blocks).toHaveLength(4);
  for (const block of blocks) expect(files.join('\n')).toContain(block);
});
