import { expect, test } from 'vitest';
import { canonicalJson } from '../base/canonical.ts';
import type { BuildRecord } from './slsa.ts';
import { slsaProvenance } from './slsa.ts';

const record: BuildRecord = {
  mode: 'max',
  builder: { id: 'https://ci.example/runner', version: '1.2.3' },
  target: 'image',
  steps: [
    {
      name: 'source',
      kind: 'fetch',
      parameters: { url: 'https://user:hunter2@example.com/a.tar?X-Amz-Signature=hunter3&v=1' },
      inputs: [],
      output: `sha256:${'a'.repeat(64)}`,
    },
    {
      name: 'image',
      kind: 'exec',
      parameters: { argv: ['curl', 'https://hunter4@example.com'], network: false },
      inputs: ['source'],
      output: `sha256:${'b'.repeat(64)}`,
    },
  ],
  materials: [
    { name: 'source', uri: 'https://user:hunter2@example.com/a.tar', digest: { sha256: 'a'.repeat(64) } },
    { name: 'base', digest: { sha256: 'c'.repeat(64) } },
  ],
};

test('the whole document of a build with every step', () => {
  expect(slsaProvenance(record)).toEqual({
    buildDefinition: {
      buildType: 'urn:portkit:build:v1',
      externalParameters: { target: 'image' },
      internalParameters: {
        steps: [
          { ...record.steps[0], parameters: { url: 'https://example.com/a.tar?X-Amz-Signature=REDACTED&v=1' } },
          { ...record.steps[1], parameters: { argv: ['curl', 'https://example.com'], network: false } },
        ],
      },
      resolvedDependencies: [
        { name: 'base', digest: { sha256: 'c'.repeat(64) } },
        { name: 'source', uri: 'https://example.com/a.tar', digest: { sha256: 'a'.repeat(64) } },
      ],
    },
    runDetails: { builder: { id: 'https://ci.example/runner', version: { portkit: '1.2.3' } } },
  });
  expect(canonicalJson(slsaProvenance(record))).not.toContain('hunter');
});

test('the short one has what the result was made from, and no steps', () => {
  const text = canonicalJson(slsaProvenance({ ...record, mode: 'min' }));
  expect(text).toContain('https://example.com/a.tar');
  expect(text).not.toContain('curl');
});

test('a time stands there only when one is given', () => {
  expect(slsaProvenance({ ...record, time: 1_700_000_000 })).toMatchObject({
    runDetails: { metadata: { startedOn: '2023-11-14T22:13:20Z', finishedOn: '2023-11-14T22:13:20Z' } },
  });
});
