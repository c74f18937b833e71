import { createRequire } from 'node:module';
import type { Ignore as Peer } from '@balena/dockerignore';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { byteString, fromBytes } from '../../base/byte-string.ts';
import type { ByteString } from '../../base/byte-string.ts';
import { compileGlob } from './glob.ts';
import { compileIgnore, patternFilter, readIgnoreFile } from './ignore.ts';

// Its types say that it has a default export; at run time it is a function.
const dockerignore = createRequire(import.meta.url)('@balena/dockerignore') as (options: { ignorecase: boolean }) => Peer;

function matches(pattern: string, path: string): boolean {
  return compileIgnore([byteString(pattern)]).ignores(byteString(path));
}

/** Every path of up to three of these names, a directory before what is in it. */
const names = ['a', 'b', 'ab', 'a.b', 'é'];
const universe: readonly string[] = names.flatMap((a) => [
  a,
  ...names.flatMap((b) => [`${a}/${b}`, ...names.map((c) => `${a}/${b}/${c}`)]),
]);
const bytePaths = universe.map(byteString);

/** A glob said by the shortest means: all ways to match are tried, which takes forever for hostile patterns. */
function naiveGlob(pattern: readonly string[], text: readonly string[]): boolean {
  const [first, second] = pattern;
  const tails = Array.from({ length: text.length + 1 }, (_, at) => at);
  if (first === undefined) return text.length === 0;
  if (first === '*' && second === '*') {
    const rest = pattern.slice(pattern[2] === '/' ? 3 : 2);
    if (rest.length === 0) return true;
    return tails.some((at) => (at === 0 || text[at - 1] === '/') && naiveGlob(rest, text.slice(at)));
  }
  if (first === '*') return tails.some((at) => !text.slice(0, at).includes('/') && naiveGlob(pattern.slice(1), text.slice(at)));
  if (text[0] === undefined) return false;
  if (first === '?') return text[0] !== '/' && naiveGlob(pattern.slice(1), text.slice(1));
  if (first === '[') {
    const end = pattern.indexOf(']');
    const negated = second === '^';
    const member = pattern.slice(negated ? 2 : 1, end).includes(text[0]);
    return member !== negated && naiveGlob(pattern.slice(end + 1), text.slice(1));
  }
  if (first === '\\') return second === text[0] && naiveGlob(pattern.slice(2), text.slice(1));
  return first === text[0] && naiveGlob(pattern.slice(1), text.slice(1));
}

/** The last of the patterns that matches the path or a directory above it decides. */
function naiveIgnores(patterns: readonly string[], path: string): boolean {
  const parts = path.split('/');
  const lines = parts.map((_, depth) => parts.slice(0, depth + 1).join('/'));
  const last = patterns.findLast((pattern) =>
    lines.some((one) => naiveGlob(Array.from(pattern.replace('!', '')), Array.from(one))),
  );
  return last !== undefined && !last.startsWith('!');
}

// One or more `/` between parts, and `**` only where it stands for directories.
const pieces = fc.constantFrom('a', 'b', '.', 'é', '*', '?', '[ab]', '[^a]', '[éb]', '\\a', 'ab', 'a.b');
const part = fc.oneof({ weight: 3, arbitrary: fc.array(pieces, { minLength: 1, maxLength: 3 }) }, fc.constant(['**']));
const glob = fc
  .array(part, { minLength: 1, maxLength: 4 })
  .map((parts) => parts.map((one) => one.join('').replaceAll(/\*{2,}/g, '**')))
  .filter((parts) => parts.every((one) => one === '**' || (!one.includes('**') && !/^\.+$/.test(one))))
  .map((parts) => parts.join('/'));
const patterns = fc.array(
  fc.tuple(fc.boolean(), glob).map(([negated, one]) => (negated ? `!${one}` : one)),
  { maxLength: 5 },
);

describe('patterns', () => {
  test('decide as the naive reference does', () => {
    fc.assert(
      fc.property(patterns, (list) => {
        const ignore = compileIgnore(list.map(byteString));
        const ignored = universe.filter((path) => ignore.ignores(byteString(path)));
        expect(ignored).toEqual(universe.filter((path) => naiveIgnores(list, path)));
      }),
      { numRuns: 300 },
    );
  });

  // Not compared, because it differs from Docker there: `**` next to other characters and classes that match a slash (it looks
  // at one parent only), `?` beyond 16 bits (it counts two), regular expressions that show through (`+`, `(`, `\d`), `!` alone.
  test('decide as @balena/dockerignore does', () => {
    fc.assert(
      fc.property(patterns, (list) => {
        const known = list.filter((pattern) => !pattern.includes('[^'));
        const ignore = compileIgnore(known.map(byteString));
        const peer = dockerignore({ ignorecase: false }).add([...known]);
        for (const path of universe) expect([path, ignore.ignores(byteString(path))]).toEqual([path, peer.ignores(path)]);
      }),
      { numRuns: 200 },
    );
  });

  test('prune only where everything is ignored, and wherever nothing is negated', () => {
    fc.assert(
      fc.property(patterns, (list) => {
        const ignore = compileIgnore(list.map(byteString));
        const negated = list.some((pattern) => pattern.startsWith('!'));
        for (const directory of bytePaths) {
          const prunes = ignore.canPrune(directory);
          if (prunes) for (const path of below(directory)) expect([list, path, ignore.ignores(path)]).toEqual([list, path, true]);
          if (!negated && ignore.ignores(directory)) expect([directory, prunes]).toEqual([directory, true]);
        }
      }),
      { numRuns: 300 },
    );
  });

  test.each([
    ['a/*', 'a', true],
    ['a/**', 'a', true],
    ['**/*', 'b', true],
    ['a/*b', 'a', false],
    ['a/?', 'a', false],
    ['a', 'b', false],
  ])('%j below %j: pruned is %j', (pattern, directory, pruned) => {
    expect(compileIgnore([byteString(pattern)]).canPrune(byteString(directory))).toBe(pruned);
  });

  test.each<[string, readonly string[], readonly string[]]>([
    ['a', ['a', 'a/b', 'a/b/c'], ['A', 'ab', 'b/a']],
    ['/a/', ['a', 'a/b'], ['b/a']],
    ['./a//b/../c', ['a/c', 'a/c/d'], ['a', 'a/b']],
    ['../a', [], ['a', 'b/a']],
    ['/', [], ['a']],
    ['.', [], ['a', '.a']],
    ['*', ['a', '.a', 'a/b'], []],
    ['*.b', ['a.b', '.b', 'a.b/c'], ['b', 'c/a.b']],
    ['a/*', ['a/b', 'a/b/c'], ['a', 'b/a']],
    ['?', ['a', 'é', '😀'], ['ab', 'e\u0301']],
    ['[a-cx]', ['a', 'c', 'x'], ['d', '-', 'ab']],
    ['[^a-c]', ['d', 'é'], ['a', 'c', 'dd']],
    ['[!a]', ['!', 'a'], ['b']],
    ['[\\]\\-^]', [']', '-', '^'], ['\\']],
    ['[à-é]', ['á', 'é'], ['ê', 'a']],
    ['a[^x]b', ['a/b', 'a.b'], ['axb']],
    ['[[:x]', ['[', ':', 'x'], ['y']],
    ['\\*\\d', ['*d'], ['ad', '*1']],
    ['a+(b|c){1}$', ['a+(b|c){1}$'], ['aab1', 'a+(b|c){1}$x']],
    ['**', ['a', 'a/b'], []],
    ['**/a', ['a', 'b/a', 'b/c/a/d'], ['ba', 'b/ca']],
    ['a/**', ['a/b', 'a/b/c'], ['a', 'ab/c']],
    ['a/**/b', ['a/b', 'a/c/b', 'a/c/d/b/e'], ['ab', 'a/cb']],
    ['**/*.b', ['a.b', 'c/a.b', 'c/d/.b'], ['b']],
    ['**a', ['a', 'ba', 'c/ba'], ['ab']],
    ['**a*', ['a', 'ab', 'c/ab'], ['ba']],
    ['a**b', ['ab', 'ac/b', 'a/c/b'], ['acb']],
    ['a**', ['a', 'ab', 'ab/c', 'a/b'], ['b']],
    ['***', ['a', 'a/b'], []],
  ])('%j', (pattern, yes, no) => {
    expect(yes.filter((path) => !matches(pattern, path))).toEqual([]);
    expect(no.filter((path) => matches(pattern, path))).toEqual([]);
  });

  test.each(['[', '[]', '[^]', '[a', '[a-', '[a-]', '[-a]', '[b-a]', 'a\\', '[\\', '!', ' ! ', '!/', '**[', '*[*'])(
    '%j is refused',
    (bad) => {
      expect(() => compileIgnore([byteString(bad)])).toThrow(expect.objectContaining({ code: 'PK1004' }));
    },
  );

  test('are about bytes where a name is no text', () => {
    const raw = (...bytes: readonly number[]): ByteString => fromBytes(Uint8Array.from(bytes));
    expect(compileGlob(byteString('a?')).matches(raw(0x61, 0xff))).toBe(true);
    expect(compileGlob(byteString('a?')).matches(raw(0x61, 0xc3))).toBe(true);
    expect(compileGlob(byteString('a?')).matches(raw(0x61, 0xc3, 0xa9))).toBe(true);
    expect(compileGlob(byteString('a?')).matches(raw(0x61, 0xff, 0xff))).toBe(false);
    expect(compileGlob(raw(0x2a, 0xff)).matches(raw(0x61, 0xff))).toBe(true);
    expect(compileGlob(byteString('a*b')).matches(raw(0x61, 0x0a, 0x62))).toBe(true);
    expect(readIgnoreFile(Uint8Array.of(0x61, 0xa0, 0x20))).toEqual([raw(0x61, 0xa0)]);
  });

  test.each([
    ['stars', `${'*a'.repeat(1000)}b`, 'a'.repeat(2000)],
    ['double stars', `${'**/a/'.repeat(500)}b`, 'a/'.repeat(2000)],
    ['very many double stars', `${'**/'.repeat(50_000)}b`, 'a/'.repeat(2000)],
    ['question marks after a star', `**/*${'?'.repeat(200)}b`, 'a'.repeat(4000)],
    [
      'states without number',
      `**/*a${'?'.repeat(60)}b`,
      Array.from({ length: 4000 }, (_, at) => 'ab'[(at * at * 7 + (at >> 3)) % 2]).join(''),
    ],
    ['spaces', `a${' '.repeat(200_000)}b`, 'a'],
    ['slashes', `a${'/'.repeat(200_000)}b`, 'a/c'],
  ])('with hostile %s take no long time', (_, pattern, path) => {
    const start = performance.now();
    expect(matches(pattern, path)).toBe(false);
    expect(performance.now() - start).toBeLessThan(5000);
  });
});

describe('an ignore file', () => {
  test('is read line by line', () => {
    const text = '\u{feff}# comment\r\n\n  a b \t\r\n # not a comment\n\\#c\n! /d/ \n   \n!e\ne';
    const read = readIgnoreFile(Buffer.from(text));
    expect(read).toEqual(['a b', '# not a comment', '\\#c', '! /d/', '!e', 'e']);
    const ignore = compileIgnore([byteString('*'), ...read]);
    const kept = ['a b', '# not a comment', '#c', 'd', 'e', 'd/f'].filter((path) => !ignore.ignores(byteString(path)));
    expect(kept).toEqual(['d', 'd/f']);
  });
});

describe('a filter', () => {
  test('takes exactly what is included and not excluded, however it is reached', () => {
    fc.assert(
      fc.property(patterns, patterns, (include, exclude) => {
        const filter = patternFilter({ include: include.map(byteString), exclude: exclude.map(byteString) });
        const wanted = universe.filter(
          (path) => (include.length === 0 || naiveIgnores(include, path)) && !naiveIgnores(exclude, path),
        );
        expect(universe.filter((path) => filter.keeps(byteString(path)))).toEqual(wanted);
        const reached = universe.filter((path) => {
          const parts = path.split('/');
          const parents = parts.slice(1).map((_, depth) => byteString(parts.slice(0, depth + 1).join('/')));
          return filter.keeps(byteString(path)) && parents.every((parent) => filter.keeps(parent) || filter.enters(parent));
        });
        expect(reached).toEqual(wanted);
      }),
      { numRuns: 60 },
    );
  });

  test('enters only what can hold something', () => {
    const filter = patternFilter({
      include: ['a/b', '**/*.c', '!x'].map(byteString),
      exclude: ['d', '!d/e/f', 'a/b/g'].map(byteString),
    });
    const entered = ['a', 'a/b', 'a/b/g', 'd', 'd/e', 'd/g', 'h', 'x'].filter((path) => filter.enters(byteString(path)));
    expect(entered).toEqual(['a', 'a/b', 'd', 'd/e', 'h']);
  });

  test('has the id of its patterns', () => {
    const ids = [
      [[], []],
      [['a'], []],
      [[], ['a']],
      [['b', 'a'], []],
      [['a', 'b'], []],
    ].map(
      ([include = [], exclude = []]) => patternFilter({ include: include.map(byteString), exclude: exclude.map(byteString) }).id,
    );
    expect(new Set(ids).size).toBe(ids.length);
    expect(patternFilter({ include: [], exclude: [byteString('a')] }).id).toBe(ids[2]);
  });
});

function below(directory: ByteString): readonly ByteString[] {
  return bytePaths.filter((path) => path.startsWith(`${directory}/`));
}
