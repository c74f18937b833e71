import { describe, expect, test } from 'vitest';
import { graph } from './build.ts';
import { decodeGraph } from './decode.ts';
import { encodeGraph } from './encode.ts';
import type { Graph } from './graph.ts';
import type { ExternalSpec } from './program-ops.ts';

test('programs over layouts are written with handles', () => {
  const made = graph(({ local, oci, external, deploy }) => {
    const layout = oci('pack', { artifactType: 'a/b', layers: [{ name: 'x', from: local('x', { path: 'x' }) }] });
    const tools = local('tools', { path: 'tools' });
    const post = external('post', { from: layout, argv: ['post'], inputs: { tools }, options: { b: 1, a: [] } });
    const module = { name: './a.ts', from: local('a', { path: 'a.ts' }) };
    const more = external('more', { from: post, module, network: true });
    return { up: deploy('up', { from: more, argv: ['up'], root: tools, secrets: [{ name: 'key' }] }) };
  });
  const named = Object.fromEntries(made.vertices.map(({ name, op, inputs }) => [name, { op, inputs }]));
  expect(named['post']).toMatchObject({
    op: { type: 'external', argv: ['post'], inputs: ['layout', 'tools'], root: 'host', options: '{"a":[],"b":1}' },
    inputs: [{ vertex: 1 }, { vertex: 2 }],
  });
  expect(named['more']?.op).toEqual({
    type: 'external',
    argv: [],
    inputs: ['layout', 'module'],
    root: 'host',
    module: './a.ts',
    network: true,
  });
  expect(named['up']?.op).toMatchObject({ type: 'deploy', inputs: ['layout', ''], root: { input: 1 } });
  expect(decodeGraph(encodeGraph(made))).toMatchObject({ targets: made.targets });
});

describe('a binary definition is refused', () => {
  const plain: ExternalSpec = { type: 'external', argv: ['x'], inputs: ['layout'], root: 'host' };
  const source: Graph['vertices'][number] = { name: 's', op: { type: 'local', path: 'x' }, inputs: [] };
  const over = (op: Graph['vertices'][number]['op'], count = 1): Graph => ({
    vertices: [source, { name: 'v', op, inputs: Array.from({ length: count }, () => ({ vertex: 0, output: 0 })) }],
    targets: {},
  });

  test.each<[string, Graph, string]>([
    ['without a layout', over({ ...plain, inputs: ['tools'] }), 'has no input named "layout"'],
    ['with inputs that have no name', over(plain, 2), 'has 2 inputs, but names for 1'],
    ['with nothing to run', over({ ...plain, argv: [] }), 'either a program (argv) or a module'],
    ['with two things to run', over({ ...plain, module: './x', inputs: ['layout', 'module'] }, 2), 'either a program'],
    ['with a module that is no input', over({ ...plain, argv: [], module: './x' }), 'without an input named "module"'],
    ['with an input that is no module', over({ ...plain, inputs: ['layout', 'module'] }, 2), 'or the reverse'],
    [
      'with a module in a root',
      over({ ...plain, argv: [], module: './x', inputs: ['layout', 'module', ''], root: { input: 2 } }, 3),
      'with the programs of the host',
    ],
    ['with a root that is not there', over({ ...plain, root: { input: 4 } }), 'uses its input 4, but has 1'],
    [
      'that uses a deployment',
      {
        vertices: [
          source,
          {
            name: 'up',
            op: { type: 'deploy', argv: ['x'], inputs: ['layout'], root: 'host' },
            inputs: [{ vertex: 0, output: 0 }],
          },
          { name: 'v', op: { type: 'merge' }, inputs: [{ vertex: 1, output: 0 }] },
        ],
        targets: {},
      },
      'step "v" uses "up", which deploys and has no result',
    ],
  ])('%s', (_, wrong, message) => {
    expect(() => decodeGraph(encodeGraph(wrong))).toThrow(message);
  });
});
