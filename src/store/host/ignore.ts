import { posix } from 'node:path';
import { byteString, fromBytes } from '../../base/byte-string.ts';
import type { ByteString } from '../../base/byte-string.ts';
import { canonicalJson } from '../../base/canonical.ts';
import { badPattern } from './glob-steps.ts';
import { compileGlob } from './glob.ts';
import type { Glob } from './glob.ts';

/** A list of patterns, ready to be asked. Paths are relative, and never the root. */
export interface Ignore {
  /** Whether the last pattern that matches the path or a directory above it is one without `!`. */
  ignores(path: ByteString): boolean;
  /** Whether everything below a directory is certain to be ignored, so that nobody needs to look. */
  canPrune(directory: ByteString): boolean;
}

/** Which paths are taken from a directory. */
interface PathFilter {
  /** Two filters of one id take the same paths. */
  readonly id: string;
  keeps(path: ByteString): boolean;
  /** Whether something below a directory may be kept, also when the directory itself is not. */
  enters(path: ByteString): boolean;
}

interface Rule {
  readonly negated: boolean;
  readonly glob: Glob;
}

/** Compiles patterns as they stand in a .dockerignore file; of those that match, the last one wins. */
export function compileIgnore(patterns: readonly ByteString[]): Ignore {
  return ignoreBy(rulesOf(patterns));
}

/**
 * A filter by patterns: what matches `include` (all, when there are none) and does not match `exclude`. A directory that
 * neither matches is entered where something below it can match.
 */
export function patternFilter(patterns: {
  readonly include: readonly ByteString[];
  readonly exclude: readonly ByteString[];
}): PathFilter {
  const { include, exclude } = patterns;
  const ignores = [ignoreBy(rulesOf(exclude))];
  if (include.length > 0) {
    const everything: Rule = { negated: false, glob: compileGlob(byteString('**')) };
    const wanted = rulesOf(include).map(({ negated, glob }) => ({ negated: !negated, glob }));
    ignores.push(ignoreBy([everything, ...wanted]));
  }
  return {
    id: canonicalJson({ patterns: 1, include, exclude }),
    keeps: (path) => !ignores.some((one) => one.ignores(path)),
    enters: (path) => !ignores.some((one) => one.canPrune(path)),
  };
}

/** The patterns of a .dockerignore file: its lines without comments, blank lines and a byte order mark. */
export function readIgnoreFile(bytes: Uint8Array): readonly ByteString[] {
  const lines = fromBytes(bytes)
    .replace(/^\xef\xbb\xbf/, '')
    .split('\n')
    .filter((line) => !line.startsWith('#') && trim(line) !== '');
  return lines.map((line) => latin(trim(line)));
}

function ignoreBy(rules: readonly Rule[]): Ignore {
  const lastFirst = rules.toReversed();
  return {
    ignores: (path) => lastFirst.find(({ glob }) => glob.matches(path))?.negated === false,
    canPrune(directory) {
      for (const { negated, glob } of lastFirst) {
        const below = glob.below(directory);
        if (below === 'all') return !negated;
        if (below === 'some' && negated) return false;
      }
      return false;
    },
  };
}

function rulesOf(patterns: readonly ByteString[]): readonly Rule[] {
  return patterns.map(trim).flatMap((pattern): Rule[] => {
    if (pattern === '') return [];
    const negated = pattern.startsWith('!');
    const bare = negated ? trim(pattern.slice(1)) : pattern;
    // Without a leading and a trailing slash; what leads out of the root (`..`) stays, and matches nothing.
    const clean = bare === '' ? '' : posix.normalize(bare).replaceAll(/^\/|\/$/g, '');
    if (negated && clean === '') throw badPattern(latin(pattern), 'nothing follows its "!"');
    return [{ negated, glob: compileGlob(latin(clean)) }];
  });
}

/** Without white space of ASCII at both ends; other bytes may be parts of characters. */
function trim(text: string): string {
  let [from, to] = [0, text.length];
  while (from < to && isSpace(text, from)) from += 1;
  while (from < to && isSpace(text, to - 1)) to -= 1;
  return text.slice(from, to);
}

function isSpace(text: string, at: number): boolean {
  return ' \t\n\v\f\r'.includes(text.charAt(at));
}

function latin(text: string): ByteString {
  return fromBytes(Buffer.from(text, 'latin1'));
}
