import { expect, test } from 'vitest';
import { graph as define } from './build.ts';
import type { ProvenanceSpec } from './attest-ops.ts';
import { linkProvenance } from './provenance.ts';

const made = define(({ local, fetch, git, deb, image, exec, merge, provenance }) => {
  const source = local('source', { path: 'agent' });
  const base = image('base', { reference: 'example.org/base', layout: 'oci', digest: `sha256:${'c'.repeat(64)}` });
  const agent = exec('agent', {
    argv: ['make'],
    env: { TZ: 'UTC' },
    inputs: { src: source },
    root: base,
    tools: ['make'],
    secrets: [{ name: 'token', env: 'TOKEN' }],
    memoryBytes: 5,
  });
  fetch('unrelated', { url: 'https://example.com/unrelated' });
  const all = merge('all', [
    agent,
    fetch('tarball', { url: 'https://example.com/', digest: `sha512:${'d'.repeat(128)}` }),
    git('repo', { url: 'https://example.com/repo', commit: 'abc' }),
    deb('packages', { packages: [{ name: 'zlib1g' }] }),
    source,
  ]);
  const told = provenance('told', all, { mode: 'min' });
  return { told, again: provenance('again', told) };
});
const linked = linkProvenance(made);

function toldOf(name: string): { readonly spec: ProvenanceSpec; readonly inputs: readonly string[] } {
  const vertex = linked.vertices.find((one) => one.name === name);
  if (vertex?.op.type !== 'provenance') throw new Error('There is no such step');
  return { spec: vertex.op, inputs: vertex.inputs.map((input) => linked.vertices[input.vertex]?.name ?? '') };
}

test('is told of every step that led to its subject, each after what it works on, and of no other', () => {
  const { spec, inputs } = toldOf('told');
  expect(spec.steps?.map(({ name }) => name)).toEqual(['source', 'base', 'agent', 'tarball', 'repo', 'packages', 'all']);
  expect(inputs).toEqual(['all', 'source', 'base', 'agent', 'tarball', 'repo', 'packages', 'all']);
  expect(spec.mode).toBe('min');
});

test('a command is told with what its sandbox lets it see, and secrets by name', () => {
  expect(toldOf('told').spec.steps?.[2]).toEqual({
    name: 'agent',
    kind: 'exec',
    inputs: ['source', 'base'],
    tools: ['make'],
    parameters: {
      argv: ['make'],
      env: { TZ: 'UTC' },
      sandbox: {
        root: 'base',
        network: 'none',
        mounts: { '/in/src': 'source' },
        tools: ['make'],
        caches: [],
        secrets: ['token'],
        memoryBytes: 5,
      },
    },
  });
});

test('sources are told with where they are from and how they are pinned', () => {
  expect(toldOf('told').spec.steps?.flatMap(({ source }) => source ?? [])).toEqual([
    {},
    { uri: 'oci:example.org/base', digest: { sha256: 'c'.repeat(64) } },
    { uri: 'https://example.com/', digest: { sha512: 'd'.repeat(128) } },
    { uri: 'git+https://example.com/repo', digest: { gitCommit: 'abc' } },
    { packages: [{ name: 'zlib1g' }] },
  ]);
});

test('what was told of a build can be told of, too, without being told twice', () => {
  const { spec } = toldOf('again');
  expect(spec.steps?.at(-1)).toEqual({ name: 'told', kind: 'provenance', inputs: ['all'], parameters: { mode: 'min' } });
});

test('a definition cannot say what led to something', () => {
  const forged = { type: 'provenance' as const, steps: [{ name: 'x', kind: 'fetch', parameters: {}, inputs: [] }] };
  const vertices = made.vertices.map((vertex) => (vertex.name === 'told' ? { ...vertex, op: forged } : vertex));
  const [told] = linkProvenance({ ...made, vertices }).vertices.filter(({ name }) => name === 'told');
  expect(JSON.stringify(told?.op)).toContain('tarball');
  expect(JSON.stringify(told?.op)).not.toContain('"x"');
});

test('a graph without such a step stays as it is', () => {
  const plain = define(({ local }) => ({ a: local('a', { path: '.' }) }));
  expect(linkProvenance(plain)).toBe(plain);
});
