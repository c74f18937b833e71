import { showBytes } from '../../base/byte-string.ts';
import type { ByteString } from '../../base/byte-string.ts';
import { PortkitError } from '../../base/errors.ts';

/**
 * One step of a pattern: a character, a class, `one` for `?`, `star` for `*`, `rest` for anything with slashes. `dirs` is
 * what may stand before a name, nothing or whole directories; `inDirs` follows it and is the same once it has begun.
 */
export type Step =
  | { readonly is: 'character'; readonly character: string }
  | { readonly is: 'class'; readonly negated: boolean; readonly ranges: readonly Range[] }
  | { readonly is: 'one' | 'star' | 'rest' | 'dirs' | 'inDirs' };

type Range = readonly [low: string, high: string];

/** The multi-byte characters of UTF-8 (RFC 3629), as byte strings. */
const multibyte =
  /[\xc2-\xdf][\x80-\xbf]|\xe0[\xa0-\xbf][\x80-\xbf]|[\xe1-\xec\xee\xef][\x80-\xbf]{2}|\xed[\x80-\x9f][\x80-\xbf]|\xf0[\x90-\xbf][\x80-\xbf]{2}|[\xf1-\xf3][\x80-\xbf]{3}|\xf4[\x80-\x8f][\x80-\xbf]{2}/y;

/** The UTF-8 character at a place, or the one byte where there is none. As bytes they sort as their code points do. */
export function characterAt(text: ByteString, at: number): string {
  if (text.charCodeAt(at) < 0x80) return text.charAt(at);
  multibyte.lastIndex = at;
  return multibyte.exec(text)?.[0] ?? text.charAt(at);
}

/** The steps of a clean pattern; refuses (PK1004) what has no meaning in Go's filepath.Match. */
export function parseGlob(pattern: ByteString): readonly Step[] {
  const steps: Step[] = [];
  for (let at = 0; at < pattern.length;) {
    const one = characterAt(pattern, at);
    if (pattern.startsWith('**', at)) at = parseDirs(pattern, at + 2, steps);
    else if (one === '[') at = parseClass(pattern, at + 1, steps);
    else if (one === '*' || one === '?') {
      steps.push({ is: one === '*' ? 'star' : 'one' });
      at += 1;
    } else {
      const character = one === '\\' ? memberAt(pattern, at) : one;
      steps.push({ is: 'character', character });
      at += character.length + (one === '\\' ? 1 : 0);
    }
  }
  return steps;
}

/** `**`: everything at the end, else directories, with the slash after them; Docker takes `**text` for "ends in text". */
function parseDirs(pattern: ByteString, at: number, steps: Step[]): number {
  const end = pattern[at] === '/' ? at + 1 : at;
  if (end === pattern.length) steps.push({ is: 'rest' });
  else if (at === 2 && end === at && !/[*?[\]\\]/.test(pattern.slice(at))) steps.push({ is: 'rest' });
  else if (steps.at(-1)?.is !== 'inDirs') steps.push({ is: 'dirs' }, { is: 'inDirs' });
  return end;
}

function parseClass(pattern: ByteString, start: number, steps: Step[]): number {
  const negated = pattern[start] === '^';
  const ranges: Range[] = [];
  let at = negated ? start + 1 : start;
  do {
    const low = memberAt(pattern, at);
    at += low.length + (pattern[at] === '\\' ? 1 : 0);
    let high = low;
    if (pattern[at] === '-') {
      high = memberAt(pattern, at + 1);
      at += 1 + high.length + (pattern[at + 1] === '\\' ? 1 : 0);
    }
    if (high < low) throw badPattern(pattern, 'a range of characters ends before it begins');
    ranges.push([low, high]);
  } while (pattern[at] !== ']');
  steps.push({ is: 'class', negated, ranges });
  return at + 1;
}

/** A character, bare or after a backslash; `-` and `]` of a class need the backslash. */
function memberAt(pattern: ByteString, at: number): string {
  const bare = pattern[at] !== '\\';
  const member = characterAt(pattern, bare ? at : at + 1);
  if (member === '') throw badPattern(pattern, bare ? 'a "[" is not closed' : 'it ends in a backslash');
  if (bare && (member === '-' || member === ']')) throw badPattern(pattern, `a ${member} in "[…]" needs a backslash before it`);
  return member;
}

/** The error for a pattern that has no meaning. */
export function badPattern(pattern: ByteString, what: string): PortkitError {
  return new PortkitError('PK1004', `The pattern ${JSON.stringify(showBytes(pattern).slice(0, 200))} is not allowed: ${what}`, {
    hint: 'Patterns are written as in a .dockerignore file: *, ?, [a-z], ** and a leading "!"',
  });
}
