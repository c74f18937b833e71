import type { Path } from './findings.ts';

/** A word of a definition as messages show it. */
export function quote(word: string): string {
  return JSON.stringify(word.length > 80 ? `${word.slice(0, 80)}…` : word);
}

/** `steps.kernel.fetch`, `tree[2]`; the top of a file has no path. */
export function showPath(path: Path): string {
  if (path.length === 0) return 'the definition';
  return path
    .map((step, at) => {
      if (typeof step === 'number') return `[${step}]`;
      return `${at === 0 ? '' : '.'}${/^[A-Za-z0-9_-]{1,80}$/.test(step) ? step : quote(step)}`;
    })
    .join('');
}

/** What a schema expects, for people. */
export function typeWord(expected: string): string {
  return words[expected] ?? expected;
}

/** What a value is, for people. */
export function typeName(value: unknown): string {
  if (Array.isArray(value)) return 'an array';
  if (value instanceof Date) return 'a date';
  return words[typeof value] ?? typeof value;
}

const words: Readonly<Record<string, string>> = {
  string: 'text',
  object: 'a table',
  record: 'a table',
  array: 'an array',
  int: 'a whole number',
  number: 'a number',
  boolean: 'true or false',
};

/** The value at a path; undefined when it is not there. */
export function valueAt(root: unknown, path: Path): unknown {
  return path.reduce<unknown>((value, step) => {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, step)) return undefined;
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- any object can be asked for any key
    return (value as Record<string | number, unknown>)[step];
  }, root);
}
