import { describe, expect, test } from 'vitest';
import { PortkitError } from '../base/errors.ts';
import { graph as define } from './build.ts';
import { vertexDigests } from './digest.ts';
import type { Graph, Vertex } from './graph.ts';
import { problemsError, problemsOf } from './problem.ts';
import { validate } from './validate.ts';
import { walkAll, walkTargets } from './walk.ts';

function chain(length: number): Graph {
  const vertices = Array.from({ length }, (_, at): Vertex => ({
    name: `s${at}`,
    op: at === 0 ? { type: 'local', path: 'src' } : { type: 'exec', argv: ['make', String(at)], inputs: ['src'], root: 'host' },
    inputs: at === 0 ? [] : [{ vertex: at - 1, output: 0 }],
  }));
  return { vertices, targets: { all: { vertex: length - 1, output: 0 } } };
}

function merges(edges: readonly (readonly number[])[]): Graph {
  return {
    vertices: edges.map((inputs, at) => ({
      name: `s${at}`,
      op: { type: 'merge' },
      inputs: inputs.map((vertex) => ({ vertex, output: 0 })),
      location: { file: 'a.toml', line: at + 1, column: 1 },
    })),
    targets: {},
  };
}

describe('the walk', () => {
  test('puts inputs before what uses them, and leaves out what no target needs', () => {
    const steps = merges([[1, 2], [2], [], [0]]);
    expect(walkAll(steps)).toEqual({ order: [2, 1, 0, 3], cycles: [] });
    expect(walkTargets({ ...steps, targets: { a: { vertex: 1, output: 0 }, b: { vertex: 3, output: 0 } } }, ['a']).order).toEqual(
      [2, 1],
    );
    expect(walkTargets({ ...steps, targets: { b: { vertex: 3, output: 0 } } }).order).toHaveLength(4);
  });

  test('names the cycles', () => {
    expect(walkAll(merges([[1], [2], [0], [3]])).cycles).toEqual([[0, 1, 2], [3]]);
  });

  test('takes a chain of 100,000 steps, each with its digest', () => {
    const steps = chain(100_000);
    const start = performance.now();
    const digests = vertexDigests(steps);
    expect(performance.now() - start).toBeLessThan(5000);
    expect(new Set(digests).size).toBe(100_000);
    expect(validate(steps)).toEqual([]);
  });
});

describe('the digest', () => {
  const base = chain(3);
  function changed(at: number, change: Partial<Vertex>): Graph {
    return { ...base, vertices: base.vertices.map((vertex, index) => (index === at ? { ...vertex, ...change } : vertex)) };
  }

  test('does not see names, places, and what is in no key', () => {
    const renamed = changed(1, { name: 'other', location: { file: 'x', line: 1, column: 1 } });
    expect(vertexDigests(renamed)).toEqual(vertexDigests(base));
    const fetches = [['a'], ['b'], undefined].map((mirrors) =>
      vertexDigests(changed(0, { op: { type: 'fetch', url: 'https://example.org/', ...(mirrors && { mirrors }) } })),
    );
    expect(fetches[1]).toEqual(fetches[0]);
    expect(fetches[2]).toEqual(fetches[0]);
  });

  test('changes with the op, with an input, and for everything above', () => {
    const [was, now] = [
      vertexDigests(base),
      vertexDigests(changed(1, { op: { ...base.vertices[1]!.op, argv: ['x'] } as never })),
    ];
    expect(now.map((digest, at) => digest === was[at])).toEqual([true, false, false]);
    expect(vertexDigests(changed(2, { inputs: [{ vertex: 0, output: 0 }] }))[2]).not.toBe(was[2]);
  });
});

describe('validation', () => {
  test('tells of every problem at once', () => {
    const problems = validate({
      vertices: [
        { name: 'a', op: { type: 'merge' }, inputs: [{ vertex: 70, output: 0 }] },
        { name: 'a', op: { type: 'extract' }, inputs: [{ vertex: 0, output: 3 }] },
        { name: '', op: { type: 'local', path: '.' }, inputs: [{ vertex: 0, output: 0 }] },
        { name: 'c', op: { type: 'merge' }, inputs: [{ vertex: 3, output: 0 }] },
        { name: 'd', op: { type: 'tree', edits: [{ copy: 1, to: '/' }] }, inputs: [] },
        { name: 'f', op: { type: 'rewriteTimestamps', latest: 1.5 }, inputs: [] },
        { name: 'g', op: { type: 'oci', variants: [] }, inputs: [] },
        { name: 'h', op: { type: 'oci', variants: [{ layers: [{ from: 1, name: 'a' }] }] }, inputs: [] },
        { name: 'i', op: { type: 'sbom', format: 'spdx', names: [] }, inputs: [] },
        { name: 'j', op: { type: 'sbom', format: 'spdx', names: ['a'], attach: 1 }, inputs: [] },
        { name: 'e', op: { type: 'exec', argv: ['a'], inputs: ['x'], root: { input: 2 } }, inputs: [] },
      ],
      targets: { t: { vertex: -1, output: 0 } },
    });
    expect(problems.map((problem) => `${problem.code} ${problem.message}`)).toEqual([
      'PK1106 two steps are named "a"',
      'PK1103 a step has no name',
      'PK1104 input 0 of step "a": there is no step 70',
      'PK1104 input 0 of step "a": step "a" has no output 3',
      'PK1103 step "" is a source (local), which takes no inputs',
      'PK1103 step "d" uses its input 1, but has 0',
      'PK1103 step "f" has 1.5 as its latest time, which is no whole second',
      'PK1103 step "g" has no variants: an artifact has one at least',
      'PK1103 step "h" uses its input 1, but has 0',
      'PK1103 step "i" tells of nothing: it needs at least one input',
      'PK1103 step "j" has 0 inputs, but names for 1',
      'PK1103 step "e" has 0 inputs, but names for 1',
      'PK1104 target "t": there is no step -1',
      'PK1105 step "c" needs itself',
    ]);
  });

  test('prints a cycle with every place', () => {
    const [problem] = validate(merges([[1], [0]]));
    expect(problem?.message).toBe('steps wait for each other: s0 → s1 → s0');
    expect(problem?.related?.map(({ message, location }) => `${message} ${location?.line}`)).toEqual([
      's0 needs s1 1',
      's1 needs s0 2',
    ]);
  });
});

describe('the text of problems', () => {
  const at = { file: 'portkit.toml', line: 2, column: 1, endColumn: 5 };

  test('shows the line, a caret and help, all problems after each other', () => {
    const error = problemsError(
      [
        { code: 'PK1104', message: 'second', location: { ...at, line: 3, column: 200 } },
        { code: 'PK1102', message: 'unknown key "szie"', location: at, hint: 'did you mean "size"?' },
      ],
      () => `[a]\nszie = "1GiB"\r\n${'x'.repeat(300)}`,
    );
    expect(`error[${error.code}]: ${error.message}`.split('\n')).toEqual([
      'error[PK1102]: unknown key "szie"',
      '  --> portkit.toml:2:1',
      '  |',
      '2 | szie = "1GiB"',
      '  | ^^^^',
      '   = help: did you mean "size"?',
      '',
      'error[PK1104]: second',
      '  --> portkit.toml:3:200',
      '  |',
      `3 | …${'x'.repeat(120)}`,
      `  | ${' '.repeat(40)}^^^^^`.replace('^^^^^', '^'),
    ]);
    expect(problemsOf(error)).toHaveLength(2);
    expect(problemsOf(new Error('x'))).toEqual([]);
  });

  test('writes no control characters, and ends', () => {
    const many = Array.from({ length: 60 }, () => ({ code: 'PK1102', message: 'a \u001b[31m\u202e b' }) as const);
    const { message } = problemsError(many, () => undefined);
    // oxlint-disable-next-line no-control-regex -- these must not be there
    expect(message.replaceAll('\n', '')).not.toMatch(/[\0-\x1f\u202e]/);
    expect(message).toMatch(/… and 10 more$/);
  });
});

describe('the TypeScript face', () => {
  test('makes a graph whose steps know their lines', () => {
    const made = define(
      ({
        fetch,
        local,
        exec,
        tree,
        merge,
        extract,
        archive,
        cpio,
        ext4,
        disk,
        verity,
        squashfs,
        erofs,
        vfat,
        compress,
        decompress,
        vmlinux,
        oci,
        sbom,
        convert,
        rewriteTimestamps,
        boot,
        git,
        image,
        deb,
      }) => {
        const source = local('source', { path: 'agent' });
        const base = image('base', { reference: 'example.org/base', layout: 'oci' });
        const agent = exec('agent', { argv: ['cc'], inputs: { z: source, a: base }, root: base, timeoutMs: 5 });
        const files = tree('files', [
          { copy: agent, to: '/usr/bin/agent' },
          { elfLibs: '/usr/bin/agent', from: base },
          { kernelModules: '/lib/modules', from: base, names: ['ext4'] },
          { copy: agent, to: '/usr/bin/second' },
          { mkdir: '/tmp', mode: '1777' },
        ]);
        const all = merge('all', [
          files,
          git('git', { url: 'repo', commit: 'abc' }),
          deb('deb', { packages: [{ name: 'zlib1g' }] }),
        ]);
        const kernel = extract('kernel', decompress('xz', fetch('tarball', { url: 'https://example.org/' })), { strip: 1 });
        const guest = vmlinux('vmlinux', files, { path: 'boot/vmlinuz-*' });
        const initrd = cpio('initrd', files, { compress: 'zstd', kernel: guest });
        const root = ext4('root', files, { profile: 'csum', headroomPercent: 5 });
        const artifact = oci('artifact', {
          artifactType: 'a/b',
          layers: [
            { from: kernel, name: 'kernel' },
            { from: files, name: 'files' },
          ],
          configFrom: kernel,
          config: { b: 1, a: [true] },
        });
        const drive = convert('qcow2', { from: root, to: 'qcow2' });
        return {
          packed: oci('packed', { family: 'fileset', variants: [{ layers: [{ from: drive, name: 'disk' }] }, { from: all }] }),
          bom: sbom('bom', { of: { z: files, a: kernel }, format: 'spdx', attach: artifact }),
          old: rewriteTimestamps('old', files, { latest: 0 }),
          iso: convert('iso', { from: files, to: 'iso' }),
          rootfs: compress('rootfs', archive('tar', all), { format: 'gzip' }),
          kernel,
          initrd,
          guest,
          booted: boot('booted', { kernel: guest, initrd, expect: [{ path: '/init' }] }),
          disk: disk('disk', {
            partitions: [
              { from: root, type: 'linux' },
              { from: verity('v', root), type: 'linux' },
              { from: vfat('e', files, { label: 'ESP' }), type: 'esp' },
              { from: squashfs('s', files, { compress: 'xz' }), type: 'linux' },
              { from: erofs('o', files, { compress: 'lz4' }), type: 'linux' },
            ],
          }),
        };
      },
    );
    expect(Object.keys(made.targets)).toEqual([
      'packed',
      'bom',
      'old',
      'iso',
      'rootfs',
      'kernel',
      'initrd',
      'guest',
      'booted',
      'disk',
    ]);
    expect(made.vertices.map(({ op }) => op)).toContainEqual({ type: 'cpio', compress: 'zstd' });
    expect(made.vertices.map(({ op }) => op)).toContainEqual({ type: 'ext4', profile: 'csum', headroomPercent: 5 });
    expect(made.vertices.map(({ op }) => op)).toContainEqual({ type: 'vmlinux', path: 'boot/vmlinuz-*' });
    const named = (name: string) => made.vertices.find((vertex) => vertex.name === name);
    expect(named('artifact')?.op).toEqual({
      type: 'oci',
      artifactType: 'a/b',
      variants: [
        {
          layers: [
            { from: 0, name: 'kernel' },
            { from: 1, name: 'files' },
          ],
          config: '{"a":[true],"b":1}',
          configFrom: 0,
        },
      ],
    });
    expect(named('packed')?.op).toMatchObject({ variants: [{ layers: [{ from: 0, name: 'disk' }] }, { from: 1, layers: [] }] });
    expect(named('bom')?.op).toEqual({
      type: 'sbom',
      format: 'spdx',
      names: ['a', 'z'],
      attach: 2,
      sources: [
        { name: 'base', url: 'example.org/base' },
        { name: 'example.org', url: 'https://example.org/' },
      ],
    });
    expect(named('bom')?.inputs.map(({ vertex }) => made.vertices[vertex]?.name)).toEqual(['kernel', 'files', 'artifact']);
    expect(named('qcow2')?.op).toMatchObject({ type: 'exec', tools: ['qemu-img'], output: { file: 'image.qcow2' } });
    expect(named('iso')?.op).toMatchObject({ type: 'exec', inputs: ['tree'], env: { SOURCE_DATE_EPOCH: '0' } });
    expect(made.vertices.map(({ op }) => op)).toContainEqual({ type: 'boot', kernel: 0, initrd: 1, expect: [{ path: '/init' }] });
    expect(made.vertices.at(-1)).toMatchObject({
      op: { partitions: [{ from: 0 }, { from: 1 }, {}, {}, {}] },
      inputs: [{}, {}, {}, {}, {}],
    });
    expect(made.vertices.slice(-4, -1).map(({ op }) => op)).toEqual([
      { type: 'vfat', label: 'ESP' },
      { type: 'squashfs', compress: 'xz' },
      { type: 'erofs', compress: 'lz4' },
    ]);
    const [agent, files] = [2, 3].map((at) => made.vertices[at]);
    expect(agent?.op).toMatchObject({ type: 'exec', inputs: ['a', 'z', ''], root: { input: 2 } });
    expect(agent?.inputs.map((input) => input.vertex)).toEqual([1, 0, 1]);
    expect(files?.op).toMatchObject({ edits: [{ copy: 0 }, { from: 1 }, { from: 1 }, { copy: 0 }, { mkdir: '/tmp' }] });
    expect(files?.location?.file).toMatch(/graph\.test\.ts$/);
    expect(files?.location?.line).toBe((agent?.location?.line ?? 0) + 1);
  });

  test('refuses names that are taken and steps of another graph', () => {
    expect(() => define(({ local }) => ({ a: local('x', { path: '.' }), b: local('x', { path: '.' }) }))).toThrow(
      /two steps are named "x"/,
    );
    const foreign = { name: 'x', input: { vertex: 0, output: 0 } };
    expect(() => define(({ merge }) => ({ a: merge('m', [foreign]) }))).toThrow(PortkitError);
    expect(() => define(() => ({ a: foreign }))).toThrow(/no step of this graph/);
  });
});

test('what attests, signs and verifies is written like any step', () => {
  const { vertices } = define(({ local, provenance, sign, verify }) => {
    const layout = local('layout', { path: '.' });
    const told = provenance('told', layout, { attach: true, mode: 'min' });
    const signed = sign('signed', told, { key: 'signing-key', passphrase: 'word' });
    return { out: verify('checked', signed, { keys: ['key.pub'], predicateTypes: ['https://slsa.dev/provenance/v1'] }) };
  });
  expect(vertices.map(({ op, inputs }) => ({ op, inputs: inputs.map(({ vertex }) => vertex) })).slice(1)).toEqual([
    { op: { type: 'provenance', attach: true, mode: 'min' }, inputs: [0] },
    { op: { type: 'sign', key: 'signing-key', passphrase: 'word' }, inputs: [1] },
    { op: { type: 'verify', keys: ['key.pub'], predicateTypes: ['https://slsa.dev/provenance/v1'] }, inputs: [2] },
  ]);
});
