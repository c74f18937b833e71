import fc from 'fast-check';
import { expect, test } from 'vitest';
import { familyOfReference } from './families.ts';
import { nameOf, parseReference, showReference } from './reference.ts';

const hex = (length: number) =>
  fc.string({ unit: fc.constantFrom(...Array.from('0123456789abcdef')), minLength: length, maxLength: length });
const registry = fc.oneof(
  fc.constantFrom('localhost', 'localhost:5000', '127.0.0.1:5060', '[::1]:5000', 'a.b', 'ghcr.io', 'registry:443'),
  fc.domain().filter((one) => one === one.toLowerCase() && one.length < 100),
);
const segment = fc.stringMatching(/^[a-z0-9]{1,5}((\.|_|__|-{1,3})[a-z0-9]{1,5}){0,2}$/);
const reference = fc.record(
  {
    registry,
    repository: fc.array(segment, { minLength: 1, maxLength: 4 }).map((all) => all.join('/')),
    tag: fc.stringMatching(/^[A-Za-z0-9_][A-Za-z0-9._-]{0,20}$/),
    digest: fc.oneof(
      hex(64).map((one): `sha256:${string}` => `sha256:${one}`),
      hex(128).map((one): `sha512:${string}` => `sha512:${one}`),
    ),
  },
  { requiredKeys: ['registry', 'repository'] },
);

test('what is shown is what is parsed', () => {
  fc.assert(
    fc.property(reference, (one) => {
      expect(parseReference(showReference(one))).toEqual(one);
    }),
  );
});

test('any text is a reference or refused, and never changes when it is shown', () => {
  const near = fc.string({
    unit: fc.constantFrom('a', 'B', '1', '.', ':', '/', '@', '_', '-', '[', ']', 'sha256:', 'localhost/'),
  });
  fc.assert(
    fc.property(fc.oneof(fc.string(), near), (text) => {
      let parsed;
      try {
        parsed = parseReference(text);
      } catch (error) {
        expect(error).toMatchObject({ code: 'PK4005' });
        return;
      }
      expect(parseReference(showReference(parsed))).toEqual(parsed);
    }),
  );
});

test.each([
  ['no registry', 'alpine'],
  ['a short name of Docker Hub', 'library/alpine:3'],
  ['no dot and no port', 'registry/alpine'],
  ['no repository', 'a.b/'],
  ['upper case', 'a.b/C'],
  ['an empty segment', 'a.b/c//d'],
  ['dots', 'a.b/../d'],
  ['an empty tag', 'a.b/c:'],
  ['two tags', 'a.b/c:x:y'],
  ['a tag before a path', 'a.b/c:x/y'],
  ['a long tag', `a.b/c:${'x'.repeat(129)}`],
  ['a short digest', 'a.b/c@sha256:12'],
  ['an upper case digest', `a.b/c@sha256:${'A'.repeat(64)}`],
  ['two digests', `a.b/c@sha256:${'a'.repeat(64)}@sha256:${'a'.repeat(64)}`],
  ['port 0', 'a.b:0/c'],
  ['a port that is too large', 'a.b:65536/c'],
  ['a port with a zero before it', 'a.b:08/c'],
  ['a user', 'user@a.b/c'],
  ['a URL', 'https://a.b/c'],
  ['no owner at Docker Hub', 'docker.io/alpine:3'],
  ['a hyphen first', '-a.b/c'],
  ['a line feed', 'a.b/c\n'],
  ['a long repository', `a.b/${'c'.repeat(256)}`],
  ['endless text', 'a-'.repeat(200_000)],
])('%s is refused', (_, text) => {
  expect(() => parseReference(text)).toThrow(expect.objectContaining({ code: 'PK4005' }));
});

test.each([
  ['alpine:3', /docker\.io\/library\/alpine$/],
  ['moby/buildkit', /docker\.io\/moby\/buildkit$/],
  ['docker.io/alpine:3', /docker\.io\/library\/alpine$/],
  ['https://a.b/c', /^Leave out "https:\/\/"/],
  ['docker://a.b/c', /^Leave out "docker:\/\/"/],
  ['a.b:5000/Org/App:V1', /did you mean a\.b:5000\/org\/app\?$/],
  ['a.b/c/', /did you mean a\.b\/c\?$/],
  ['a.b/../d', /between$/],
])('who writes %s is told what to write', (text, hint) => {
  expect(() => parseReference(text)).toThrow(expect.objectContaining({ hint: expect.stringMatching(hint) }));
});

test('hosts have one spelling, and tags keep theirs', () => {
  expect(parseReference('GHCR.io/a/b:V1')).toEqual({ registry: 'ghcr.io', repository: 'a/b', tag: 'V1' });
});

test('a digest says more than a tag', () => {
  const digest = `sha256:${'a'.repeat(64)}`;
  expect(nameOf(parseReference(`a.b/c:1@${digest}`))).toBe(digest);
  expect(nameOf(parseReference('a.b/c:1'))).toBe('1');
  expect(nameOf(parseReference('a.b/c'))).toBe('latest');
});

test.each([
  ['a.b/org/agents/helper', 'agent'],
  ['a.b/org/knowledge/base:1', 'knowledge'],
  ['a.b/policies/strict', 'policy'],
  ['a.b/org/knowledges/base', undefined],
  ['a.b/agents', undefined],
  ['a.b/agents/x/y', undefined],
])('the family of %s', (text, family) => {
  expect(familyOfReference(parseReference(text))).toBe(family);
});
