import { expect, test } from 'vitest';
import { canonicalJson } from '../base/canonical.ts';
import { textWithoutCredentials, withoutCredentials } from './redact.ts';
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

test.each([
  ['https://token@example.com/x', 'https://example.com/x'],
  ['https://a:p@ss@example.com/x', 'https://example.com/x'],
  ['git+ssh://git:pw@example.com/x.git', 'git+ssh://example.com/x.git'],
  ['--url=ftp://a:b@h/ --other=http://c@i', '--url=ftp://h/ --other=http://i'],
  ['https://e.com/?access_token=abc&x=1#sig=q', 'https://e.com/?access_token=REDACTED&x=1#sig=REDACTED'],
  ['https://e.com/?sig=abc&AWSAccessKeyId=1&api_key=2', 'https://e.com/?sig=REDACTED&AWSAccessKeyId=REDACTED&api_key=REDACTED'],
  ['https://e.com/?jwt=a&pwd=b&pat=c&path=d', 'https://e.com/?jwt=REDACTED&pwd=REDACTED&pat=REDACTED&path=d'],
  ['https://e.com/@scope/package?design=1', 'https://e.com/@scope/package?design=1'],
  ['git@example.com:a/b.git', 'git@example.com:a/b.git'],
  ['no url: a@b', 'no url: a@b'],
])('%s is told as %s', (text, told) => {
  expect(textWithoutCredentials(text)).toBe(told);
});

test('credentials are found wherever a text stands', () => {
  expect(withoutCredentials({ a: [{ b: 'https://x@y' }], n: 1, z: null })).toEqual({ a: [{ b: 'https://y' }], n: 1, z: null });
});

test.each(['a.', '://', 'a://b@', '?key', '://x?a', '@', 'http://a:b@c/?key=1&'])('a long text of %s takes no longer', (part) => {
  const long = part.repeat(200_000);
  const before = performance.now();
  textWithoutCredentials(long);
  expect(performance.now() - before).toBeLessThan(10_000);
});

test('a document is Unicode, whatever a definition had in it', () => {
  expect(withoutCredentials('a\ud800b')).toBe('a\ufffdb');
});
