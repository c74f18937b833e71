import { expect, test } from 'vitest';
import { holdsCredentials, maskCredentials, textWithoutCredentials, withoutCredentials } from './redact.ts';

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
  ['git+me:hunter2@example.com:a/b.git', 'git+me@example.com:a/b.git'],
  ['DSN=me:hunter2@tcp(db:3306)/x', 'DSN=me@tcp(db:3306)/x'],
  [`alpine:3.20@sha256:${'a'.repeat(64)}`, `alpine:3.20@sha256:${'a'.repeat(64)}`],
  [
    `https://e.com/?author=me&X-Amz-Credential=a%2Fb&X-Amz-Date=1`,
    `https://e.com/?author=me&X-Amz-Credential=REDACTED&X-Amz-Date=1`,
  ],
  [`a ghp_${'a1'.repeat(18)} b AKIA${'B2'.repeat(8)}`, 'a REDACTED b REDACTED'],
  ['-----BEGIN EC PRIVATE KEY-----\nMHcC+/=\n-----END EC PRIVATE KEY-----', 'REDACTED-----END EC PRIVATE KEY-----'],
  ['eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.c2lnbmF0dXJl', 'REDACTED'],
  ['no url: a@b', 'no url: a@b'],
])('%s is told as %s', (text, told) => {
  expect(textWithoutCredentials(text)).toBe(told);
});

test('credentials are found wherever a text stands', () => {
  expect(withoutCredentials({ a: [{ b: 'https://x@y' }], n: 1, z: null })).toEqual({ a: [{ b: 'https://y' }], n: 1, z: null });
});

test.each([
  'eyJ',
  'eyJaaaaaaaa.',
  'TOKEN=',
  "k='",
  '-u a',
  '--token ',
  'Key: ',
  '-----BEGIN PRIVATE KEY-----',
  'a:',
  'a:@b:',
  'a.',
  '://',
  'a://b@',
  '?key',
  '://x?a',
  '@',
  'http://a:b@c/?key=1&',
])('a long text of %s takes no longer', (part) => {
  const long = part.repeat(200_000);
  const before = performance.now();
  withoutCredentials({ argv: [long], env: { A: long }, config: `{${long}` });
  expect(performance.now() - before).toBeLessThan(10_000);
});

test('a document is Unicode, whatever a definition had in it', () => {
  expect(withoutCredentials('a\ud800b')).toBe('a\ufffdb');
});

test.each([
  [
    ['make', 'KEY=hunter2', 'A=b'],
    ['make', 'KEY=REDACTED', 'A=b'],
  ],
  [
    ['x', '--token', 'hunter2', '--token', '--other'],
    ['x', '--token', 'REDACTED', '--token', '--other'],
  ],
  [
    ['curl', '-u', 'me:hunter2', '--user', '0:0'],
    ['curl', '-u', 'me:REDACTED', '--user', '0:0'],
  ],
  [
    ['curl', '-H', 'Authorization: Bearer hunter2'],
    ['curl', '-H', 'Authorization: Bearer REDACTED'],
  ],
  [["curl -H 'X-Api-Key: hunter2' -u me:hunter2 x"], ["curl -H 'X-Api-Key: REDACTED' -u me:REDACTED x"]],
  [['TOKEN="hunter2 and more" x --password=hunter2 && y'], ['TOKEN=REDACTED x --password=REDACTED && y']],
  [["x --api-key 'hunter2' --secret hunter2; y"], ['x --api-key REDACTED --secret REDACTED; y']],
  [['curl https://me:hunter2@e.com/?sig=hunter2 -o x'], ['curl https://e.com/?sig=REDACTED -o x']],
  [['TOKEN=$(cat /run/secrets/token) x --token $TOKEN'], ['TOKEN=$(cat /run/secrets/token) x --token $TOKEN']],
  [['make AUTHOR=me CFLAGS=-O2 --jobs 4'], ['make AUTHOR=me CFLAGS=-O2 --jobs 4']],
])('the command %j is told as %j', (argv, told) => {
  expect(withoutCredentials({ argv })).toEqual({ argv: told });
});

test('values are redacted by their names where users give names', () => {
  const env = {
    GITHUB_TOKEN: 'hunter2',
    PATH: '/bin',
    AWS_ACCESS_KEY_ID: 'hunter2',
    EMPTY_KEY: '',
    URL: 'https://me:hunter2@e.com/',
  };
  const told = { GITHUB_TOKEN: 'REDACTED', PATH: '/bin', AWS_ACCESS_KEY_ID: 'REDACTED', EMPTY_KEY: '', URL: 'https://e.com/' };
  expect(withoutCredentials({ env, other: { KEY: 'kept' } })).toEqual({ env: told, other: { KEY: 'kept' } });
  expect(withoutCredentials({ annotations: { 'a.b.token': 'hunter2' }, labels: { a: 1 } })).toEqual({
    annotations: { 'a.b.token': 'REDACTED' },
    labels: { a: 1 },
  });
  const config = JSON.stringify({ a: [{ password: 'hunter2', pin: 'https://me:hunter2@e.com/' }] });
  expect(withoutCredentials({ config })).toEqual({ config: '{"a":[{"password":"REDACTED","pin":"https://e.com/"}]}' });
  expect(withoutCredentials({ config: '{https://me:hunter2@e.com/' })).toEqual({ config: '{https://e.com/' });
});

test.each([
  ['env TOKEN', 'hunter2', true],
  ['env TOKEN', '', false],
  ['env TZ', 'UTC', false],
  ['env URL', 'https://me:hunter2@e.com', true],
  ['argv', '["x","--token","hunter2"]', true],
  ['argv', '["make"]', false],
  ['argv', '[broken', false],
  ['url', 'https://e.com/?sig=hunter2', true],
  ['options', '{"a":{"password":"hunter2"}}', true],
  ['options', '{"title":"x"}', false],
])('the fact %s=%s holds credentials: %s', (name, value, holds) => {
  expect(holdsCredentials(name, value)).toBe(holds);
});

test.each([
  ['fetch = { url = "https://me:hunter2@e.com/a", digst = "x" }', 'fetch = { url = "https://***********e.com/a", digst = "x" }'],
  ['env = { API_TOKEN = "hunter2", A = "b" }', 'env = { API_TOKEN = "*******", A = "b" }'],
  ['argv = ["curl --token hunter2", "x"]', 'argv = ["curl --token *******", "x"]'],
  ['sign = { from = "step:told", key = "signing" }', 'sign = { from = "step:told", key = "signing" }'],
  ['', ''],
])('the line %s is shown as %s', (line, shown) => {
  expect(maskCredentials(line)).toBe(shown);
});

test('a long line is masked in the time of its length', () => {
  for (const part of ['A_KEY="', 'a://b:c@', "TOKEN='x' "]) {
    const before = performance.now();
    const long = part.repeat(100_000);
    expect(maskCredentials(long)).toHaveLength(long.length);
    expect(performance.now() - before).toBeLessThan(10_000);
  }
});
