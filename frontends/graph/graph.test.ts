import { expect, test } from 'vitest';
import { graph } from '../../src/graph/build.ts';
import { encodeGraph } from '../../src/graph/encode.ts';
import type { FrontendContext } from '../../src/graph/frontend.ts';
import { binary } from './index.ts';

const context: FrontendContext = { set: {}, env: () => undefined, read: () => undefined, signal: new AbortController().signal };

test('a graph that was made in TypeScript comes back from its bytes', async () => {
  const made = graph(({ local, archive }) => ({ tar: archive('tar', local('ä', { path: 'src' })) }));
  const text = Buffer.from(encodeGraph(made)).toString('latin1');
  expect(await binary.load({ text, path: 'd.bin' }, context)).toEqual({ graph: made, artifacts: [] });
});

test('text is refused', async () => {
  await expect(binary.load({ text: '\u{1f600}', path: 'd.bin' }, context)).rejects.toThrow('d.bin was read as text');
  await expect(binary.load({ text: '[steps.a]', path: 'd.bin' }, context)).rejects.toThrow('not a binary definition');
});
