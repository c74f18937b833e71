import { expect, test } from 'vitest';
import { produceManifest } from '../../src/oci/model/produce.ts';
import { bytesSource } from '../../src/oci/model/read.ts';
import { canary, failureOf, repositoryAt } from './asking.ts';
import { say, startServer } from './server.ts';

const { signal } = new AbortController();
const manifest = produceManifest({ artifactType: 'application/vnd.lens.agent.v1+json', layers: [] });

/** What a push ends with at a registry that knows who asks, and refuses the manifest with these errors. */
async function pushTo(errors: readonly unknown[] | ((told: string) => readonly unknown[])) {
  await using server = await startServer((request, response) => {
    request.resume();
    const told = request.headers.authorization;
    if (told === undefined) return say(response, 401, { 'www-authenticate': 'Basic realm="x"' });
    if (request.method !== 'PUT') return say(response, 404);
    return say(response, 400, {}, JSON.stringify({ errors: typeof errors === 'function' ? errors(told) : errors }));
  });
  using repository = repositoryAt(server.host);
  return await failureOf(repository.push(manifest.descriptor, bytesSource(manifest.bytes), signal));
}

test.each([
  [{ message: 'spec.model is missing' }, 'MANIFEST_INVALID): spec.model is missing'],
  [{ message: 'config is invalid', detail: 'spec.a: no number' }, 'config is invalid; spec.a: no number'],
  [{ message: 'a\u001B[31mb\nc' }, 'MANIFEST_INVALID): a\uFFFD[31mb\uFFFDc'],
  [{ message: 'x'.repeat(600) }, `MANIFEST_INVALID): ${'x'.repeat(500)}`],
])('S1.18: the registry knows the schema, and its reason is shown: %j', async (error, expected) => {
  const { code, text } = await pushTo([{ code: 'MANIFEST_INVALID', ...error }]);
  expect(code).toBe('PK4036');
  expect(text.split('\n')[0]).toContain(expected);
  expect(text).not.toContain('x'.repeat(501));
});

test.each([
  ['as it is', () => canary],
  ['the end of it', () => `…${canary.slice(-9)}`],
  ['in base64', () => Buffer.from(canary).toString('base64')],
  ['in hex', () => Buffer.from(canary).toString('hex')],
  ['as it was sent', (told: string) => told],
])('a reason that has what was told in it (%s) is not', async (_, echo) => {
  let echoed = '';
  const { code, text } = await pushTo((told) => {
    echoed = echo(told);
    return [{ code: 'MANIFEST_INVALID', message: `no: ${echoed}`, detail: echoed }];
  });
  expect(code).toBe('PK4036');
  expect(text).toContain('MANIFEST_INVALID');
  expect(text).not.toContain(echoed);
});

test('reasons of other refusals are not shown', async () => {
  const { text } = await pushTo([{ code: 'DENIED', message: 'because of the moon' }, 1, null, { code: 7 }]);
  expect(text).toContain('DENIED');
  expect(text).not.toContain('moon');
});
