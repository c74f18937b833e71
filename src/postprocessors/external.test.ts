import { describe, expect, test } from 'vitest';
import { blob, bytesOf, context, createWorld, fileAt, output, run, show, signal, tree } from '../../test/ops/world.ts';
import type { Standing } from '../../test/ops/world.ts';
import { digestOf } from '../base/digest.ts';
import type { Ref } from '../base/ref.ts';
import type { Command, Ended } from '../execution/executor.ts';
import type { ExternalSpec } from '../graph/program-ops.ts';
import type { Op } from '../solver/op.ts';
import { externalOp } from './external.ts';
import { mainManifest, readLayout } from './layout-tree.ts';
import { ociOp } from './oci.ts';

const plain: ExternalSpec = { type: 'external', argv: ['post'], inputs: ['layout'], root: 'host', options: '{"level":3}' };
const artifactType = 'application/vnd.example.note';

/** What a postprocessor says, what it leaves in /out, and how it ends. */
interface Program {
  readonly says?: string | readonly object[];
  readonly out?: Readonly<Record<string, Standing>>;
  readonly moans?: string;
  readonly ended?: Ended;
}

function open({ says = [], out = {}, moans = '', ended }: Program, change: Partial<ExternalSpec> = {}, world = createWorld()) {
  const asked: Command[] = [];
  const op = externalOp(
    { ...plain, ...change },
    {
      blobs: world.blobs,
      node: async () => ({ digest: (await blob(world, 'node')).digest, size: 4 }),
      exec: () => ({
        blobs: world.blobs,
        hostTools: { machine: 'x64', digest: (tool) => Promise.resolve(digestOf(tool)) },
        secrets: () => undefined,
        executor: {
          async run(command, watched) {
            asked.push(command);
            watched.output('stderr', Buffer.from(moans));
            const text = typeof says === 'string' ? says : says.map((one) => `${JSON.stringify(one)}\n`).join('');
            // In two pieces, as pipes may.
            watched.output('stdout', Buffer.from(text.slice(0, 7)));
            watched.output('stdout', Buffer.from(text.slice(7)));
            return ended ?? { how: 'exited', status: 0, out: (await tree(world, out)).digest };
          },
        },
      }),
    },
  );
  async function layout(): Promise<Ref> {
    const packing = ociOp(
      {
        type: 'oci',
        artifactType: 'application/vnd.example.v1',
        variants: [{ layers: [{ from: 0, name: 'disk.raw' }] }],
        tag: 'v1',
      },
      world,
    );
    return output(packing, await blob(world, 'a disk'));
  }
  const lent = { blobs: world.blobs, signal };
  const json = async (from: Ref, path: string): Promise<any> => JSON.parse((await fileAt(world, from, path)).toString());
  const documents = async (from: Ref): Promise<any[]> => {
    const listed = await readLayout(from.digest, lent);
    return Promise.all(listed.map(({ digest }) => json(from, `blobs/sha256/${digest.slice(7)}`)));
  };
  return { world, op, asked, layout, lent, documents };
}

const note = { path: 'note.txt', mediaType: 'text/plain', name: 'note.txt' };
const referrer = { type: 'result', referrers: [{ artifactType, layers: [note] }] };

/** The failure of an op on a layout. */
async function failure(op: Op, layout: Ref): Promise<{ code: string; message: string }> {
  const outcome = await run(op, layout);
  if (outcome.ok) throw new Error('It worked');
  return outcome.failure;
}

test('is asked in one line, and sees the layout alone', async () => {
  const { op, asked, layout, world } = open({ says: [referrer], out: { 'note.txt': 'x' } });
  const given = await layout();
  await output(op, given);
  const [command] = asked;
  expect(command).toMatchObject({ network: false, root: 'host', secrets: [], caches: [] });
  expect(command?.argv.slice(3)).toEqual(['sh', 'post']);
  const inputs = new Map(command?.inputs.map(({ name, ref }) => [name, ref]));
  expect([...inputs.keys()]).toEqual(['layout', 'request']);
  expect(inputs.get('layout')).toEqual(given);
  const request = bytesOf(world, inputs.get('request')).toString();
  expect(request.indexOf('\n')).toBe(request.length - 1);
  expect(JSON.parse(request)).toMatchObject({
    version: 1,
    layout: '/in/layout',
    out: '/out',
    options: { level: 3 },
    manifests: [{ annotations: { 'org.opencontainers.image.ref.name': 'v1' } }],
  });
});

test('adds referrers, whose blobs are the files that it left', async () => {
  const { op, layout, documents, lent } = open({ says: [referrer], out: { 'note.txt': 'hello', 'other.txt': 'not named' } });
  const given = await layout();
  const [main, told] = await documents(await output(op, given));
  const before = await mainManifest(given.digest, lent);
  expect(main.layers).toHaveLength(1);
  expect(told).toMatchObject({ artifactType, subject: { digest: before.digest } });
  expect(told.layers).toEqual([
    {
      mediaType: 'text/plain',
      digest: digestOf('hello'),
      size: 5,
      annotations: { 'org.opencontainers.image.title': 'note.txt' },
    },
  ]);
});

test('changes the manifest, and keeps what it does not speak of', async () => {
  const iso = { path: 'disk.iso', mediaType: 'application/x-iso9660-image', name: 'disk.iso' };
  const old = { digest: digestOf('a disk'), mediaType: 'application/octet-stream', name: 'disk.raw' };
  const result = { type: 'result', manifest: { layers: [iso, old] }, referrers: referrer.referrers };
  const { op, layout, documents, lent } = open({ says: [result], out: { 'disk.iso': 'an iso', 'note.txt': 'n' } });
  const made = await output(op, await layout());
  const [main, told] = await documents(made);
  const named = await mainManifest(made.digest, lent);
  expect(named.annotations).toEqual({ 'org.opencontainers.image.ref.name': 'v1' });
  expect(main.artifactType).toBe('application/vnd.example.v1');
  expect(main.layers.map(({ digest }: any) => digest)).toEqual([digestOf('an iso'), digestOf('a disk')]);
  expect(told.subject).toEqual({ mediaType: named.mediaType, digest: named.digest, size: named.size });
});

test('logs and tells how far it is; lines come in any pieces', async () => {
  const said: string[] = [];
  const moved: unknown[] = [];
  const lines = [{ type: 'log', message: 'begun' }, { type: 'progress', done: 1, total: 2 }, referrer];
  const { op, layout } = open({ says: lines, out: { 'note.txt': '' }, moans: 'hm' });
  const outcome = await op.run([await layout()], {
    ...context,
    output: (stream, bytes) => void said.push(`${stream} ${Buffer.from(bytes).toString()}`),
    transfer: (...numbers) => void moved.push(numbers),
  });
  expect(outcome.ok).toBe(true);
  expect(said).toEqual(['stderr hm', 'stdout begun\n']);
  expect(moved).toEqual([[1, 2]]);
});

test('answers a layout that it wrote, which may leave out what it was given', async () => {
  const given = open({});
  const original = await given.layout();
  const files = new Map<string, string>();
  for (const line of await show(given.world, original)) {
    const [, path = ''] = /^\/(\S+) file/.exec(line) ?? [];
    if (path !== '') files.set(path, (await fileAt(given.world, original, path)).toString());
  }
  const layer = [...files.keys()].find((path) => files.get(path) === 'a disk') ?? '';
  const written = (left: readonly [string, string][]) => Object.fromEntries(left.map(([path, text]) => [`made/${path}`, text]));
  const says = [{ type: 'result', layout: 'made' }];
  const rest = [...files].filter(([path]) => path !== layer);

  const kept = open({ says, out: { ...written(rest), 'made/unused': 'gone' } });
  expect(await output(kept.op, await kept.layout())).toEqual(original);

  const forged = open({ says, out: written([...rest, [layer, 'a virus']]) });
  expect(await failure(forged.op, await forged.layout())).toMatchObject({ code: 'PK4003' });

  const lost = open({ says, out: written(rest.filter(([path]) => path !== 'oci-layout' && !path.startsWith('blobs'))) });
  expect(await output(lost.op, await lost.layout())).toEqual(original);

  const none = open({ says, out: { 'made/readme': '' } });
  expect(await failure(none.op, await none.layout())).toMatchObject({ code: 'PK4103' });
});

describe('is refused', () => {
  const result = (layer: object): readonly object[] => [{ type: 'result', referrers: [{ artifactType, layers: [layer] }] }];
  test.each<[string, Program, string, RegExp]>([
    ['no result', { says: [] }, 'PK4105', /without a result/],
    ['two results', { says: [referrer, referrer] }, 'PK4105', /after its result/],
    ['text', { says: 'hello\n' }, 'PK4105', /no JSON: "hello"/],
    ['a list', { says: '[1]\n' }, 'PK4105', /no JSON object/],
    ['a key twice', { says: '{"type":"log","type":"result"}\n' }, 'PK4105', /no JSON/],
    ['another type', { says: [{ type: 'shout' }, referrer] }, 'PK4105', /no log, progress or result/],
    ['an endless line', { says: `"${'x'.repeat(5 << 20)}"\n` }, 'PK4105', /more than/],
    ['a result that means nothing', { says: [{ type: 'result', blobs: [] }] }, 'PK4105', /"blobs", which means nothing/],
    ['a result of two forms', { says: [{ type: 'result', layout: '.', referrers: [] }] }, 'PK4105', /either/],
    ['referrers that are none', { says: [{ type: 'result', referrers: { a: 1 } }] }, 'PK4105', /no list/],
    ['a file that is not there', { says: [referrer] }, 'PK4105', /is no file/],
    ['a folder', { says: [referrer], out: { 'note.txt/x': '' } }, 'PK4105', /is no file/],
    ['a way out', { says: result({ ...note, path: '../layout/index.json' }) }, 'PK4102', /leads upward/],
    ['an absolute path', { says: result({ ...note, path: '/etc/passwd' }) }, 'PK4102', /absolute/],
    ['a link', { says: [referrer], out: { 'note.txt': { symlink: '/etc/passwd' } } }, 'PK4105', /is no file/],
    [
      'a way through a link',
      { says: result({ ...note, path: 'in/x' }), out: { 'd/x': 'x', in: { symlink: 'd' } } },
      'PK4105',
      /is no file/,
    ],
    ['a title that leads out', { says: result({ ...note, name: '../x' }), out: { 'note.txt': '' } }, 'PK4102', /upward/],
    [
      'a digest that the file does not have',
      { says: result({ ...note, digest: digestOf('other') }), out: { 'note.txt': 'x' } },
      'PK4003',
      /not what its digest/,
    ],
    ['a blob of nowhere', { says: result({ mediaType: 'text/plain', digest: digestOf('other') }) }, 'PK4105', /is no file/],
    ['a media type that is none', { says: result({ ...note, mediaType: 'x' }), out: { 'note.txt': '' } }, 'PK4101', /media type/],
    ['a layout outside', { says: [{ type: 'result', layout: '../in/layout' }] }, 'PK4102', /upward/],
  ])('%s', async (_, program, code, message) => {
    const { op, layout } = open(program);
    const found = await failure(op, await layout());
    expect(found).toMatchObject({ code });
    expect(found.message).toMatch(message);
  });

  test('what would change a manifest that has attestations', async () => {
    const first = open({ says: [referrer], out: { 'note.txt': '' } });
    const attested = await output(first.op, await first.layout());
    const { op: second } = open({ says: [{ type: 'result', manifest: { layers: [] } }] }, {}, first.world);
    expect(await failure(second, attested)).toMatchObject({ code: 'PK4105', message: expect.stringContaining('attested') });
  });

  test.each<[string, Ended, string]>([
    ['a crash', { how: 'exited', status: 3 }, 'PK3101'],
    ['a signal', { how: 'signalled', signal: 'SIGSEGV' }, 'PK3102'],
    ['a long wait', { how: 'out-of-time' }, 'PK3103'],
    ['a lack of memory', { how: 'out-of-memory' }, 'PK3104'],
  ])('%s, with its last words', async (_, ended, code) => {
    const { op, layout } = open({ ended, moans: 'a\nb\nc\nd\ne\nTraceback: it broke\n' }, { timeoutMs: 5, memoryBytes: 5 });
    const found = await failure(op, await layout());
    expect(found.code).toBe(code);
    expect(found.message).toMatch(/^The postprocessor post [^\n]+\nb\nc\nd\ne\nTraceback: it broke$/);
  });

  test.each(['request', 'runtime'])('an input named %s', async (name) => {
    const { op, layout } = open({}, { inputs: ['layout', name] });
    const given = await layout();
    expect(await run(op, given, given)).toMatchObject({ ok: false, failure: { code: 'PK4106' } });
  });
});

test.each(['', '[]', '1', '{', '{"a":1,"a":2}'])('options that are %j are refused', async (options) => {
  const { op, layout } = open({}, { options });
  expect(await failure(op, await layout())).toMatchObject({ code: 'PK4106' });
});

describe('a module', () => {
  const module = (name: string) => ({ module: name, argv: [], inputs: ['layout', 'module'] });

  test('that is a file is seen alone, beside node', async () => {
    const { op, asked, layout, world } = open({ says: [referrer], out: { 'note.txt': '' } }, module('./tools/my-post.ts'));
    await output(op, await layout(), await blob(world, 'export …'));
    const [command] = asked;
    expect(command?.argv.slice(4)).toEqual(['/in/runtime/node', '/in/runtime/shim.mjs', './module/my-post.ts']);
    expect(command?.inputs.map(({ name }) => name)).toEqual(['layout', 'request', 'runtime']);
    const runtime = await show(world, command?.inputs.at(-1)?.ref);
    expect(runtime.map((line) => line.split(' ').slice(0, 3).join(' '))).toEqual([
      '/ dir 0755',
      '/module dir 0755',
      '/module/my-post.ts file 0444',
      '/node file 0555',
      '/shim.mjs file 0444',
    ]);
  });

  test('that is a package is where imports find it', async () => {
    const { op, asked, layout, world } = open({ says: [referrer], out: { 'note.txt': '' } }, module('@me/post/sub'));
    await output(op, await layout(), await tree(world, { 'package.json': '{}' }));
    expect(asked[0]?.argv.at(-1)).toBe('@me/post/sub');
    expect((await show(world, asked[0]?.inputs.at(-1)?.ref)).join('\n')).toContain('/node_modules/@me/post/package.json file');
  });

  test.each(['', '..', 'a b', '@x', 'node:fs'])('is not named %j', async (name) => {
    const { op, layout, world } = open({}, module(name));
    expect(await run(op, await layout(), await tree(world, {}))).toMatchObject({ failure: { code: 'PK4106' } });
  });

  test('and its node are facts', async () => {
    const { op } = open({}, module('./a.ts'));
    expect((await op.facts(context)).facts).toMatchObject({
      module: './a.ts',
      node: digestOf('node'),
      options: '{"level":3}',
      network: 'none',
    });
  });
});
