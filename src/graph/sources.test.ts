import { expect, test } from 'vitest';
import type { Graph, Vertex } from './graph.ts';
import type { OpSpec } from './ops.ts';
import { linkSources, withSources } from './sources.ts';

function step(op: OpSpec, ...inputs: readonly number[]): Vertex {
  return { name: op.type, op, inputs: inputs.map((vertex) => ({ vertex, output: 0 })) };
}

const sbom: OpSpec = { type: 'sbom', format: 'spdx', names: ['all'] };

function sourcesOf(graph: Graph): unknown {
  const op = withSources(graph).vertices.at(-1)?.op;
  return op?.type === 'sbom' ? op.sources : undefined;
}

test('a bill of materials is told of everything below it that was fetched, once, and of no secret', () => {
  const vertices = [
    step({ type: 'fetch', url: 'https://me:secret@example.org/a.tar?token=secret#secret', digest: 'sha256:00' }),
    step({ type: 'git', url: 'ssh://git:secret@example.org/repo.git', commit: 'abc' }),
    step({ type: 'git', url: 'me:secret@example.org:repo.git', commit: 'def' }),
    step({ type: 'image', reference: 'example.org/base:1', digest: 'sha256:11' }),
    step({ type: 'deb', packages: [{ name: 'g++', version: '1:2+3', sha256: '22' }, { name: 'zlib1g' }] }),
    step({ type: 'merge' }, 0, 1, 2, 3, 4, 0),
    step({ type: 'fetch', url: 'https://example.org/not-used' }),
    step(sbom, 5, 5),
  ];
  expect(sourcesOf({ vertices, targets: {} })).toEqual([
    { name: 'base:1', url: 'example.org/base:1', digest: 'sha256:11' },
    { name: 'example.org:repo.git', url: 'example.org:repo.git', digest: 'def' },
    { name: 'a.tar', url: 'https://example.org/a.tar', digest: 'sha256:00' },
    { name: 'g++', url: 'pkg:deb/debian/g%2B%2B@1:2%2B3', digest: 'sha256:22' },
    { name: 'zlib1g', url: 'pkg:deb/debian/zlib1g' },
    { name: 'repo.git', url: 'ssh://example.org/repo.git', digest: 'abc' },
  ]);
});

test('many of them over a long chain come to an end', () => {
  const chain = Array.from({ length: 4000 }, (_, at) => step({ type: 'merge' }, ...(at === 0 ? [] : [at - 1])));
  const bills = Array.from({ length: 4000 }, () => step(sbom, chain.length - 1));
  expect(() => withSources({ vertices: [...chain, ...bills], targets: {} })).toThrow(/tell of more than/);
  expect(withSources({ vertices: [...chain, ...bills.slice(0, 1000)], targets: {} }).vertices).toHaveLength(5000);
});

test('one that says its sources itself keeps them, and others have none to tell', () => {
  const fetch = step({ type: 'fetch', url: 'https://example.org/a' });
  expect(sourcesOf({ vertices: [fetch, step({ ...sbom, sources: [] }, 0)], targets: {} })).toEqual([]);
  const graph = { vertices: [step({ type: 'local', path: '.' }), step(sbom, 0)], targets: {} };
  expect(withSources(graph)).toEqual(graph);
});

test('the steps that the sources come from are linked, files of the client as inputs; who said its sources keeps them', () => {
  const fetch = step({ type: 'fetch', url: 'https://me:secret@example.org/a' });
  const local = step({ type: 'local', path: 'src' });
  const graph = withSources({
    vertices: [fetch, local, step({ type: 'merge' }, 0, 1), step(sbom, 2), step(sbom, 1)],
    targets: {},
  });
  const linked = linkSources(graph).vertices;
  expect(linked.slice(0, 3)).toEqual(graph.vertices.slice(0, 3));
  expect(linked[3]).toMatchObject({
    op: { origins: [{ op: fetch.op }, { op: local.op, input: 1 }] },
    inputs: [
      { vertex: 2, output: 0 },
      { vertex: 1, output: 0 },
    ],
  });
  expect(linked[4]).toMatchObject({ op: { origins: [{ op: local.op, input: 1 }] } });
  for (const sources of [[], [{ name: 'a', url: 'b' }]]) {
    const said = { vertices: [fetch, local, step({ ...sbom, sources }, 0, 1)], targets: {} };
    expect(linkSources(said)).toEqual(said);
  }
  const none = { vertices: [fetch], targets: {} };
  expect(linkSources(none)).toBe(none);
});
