import { PortkitError } from '../../base/errors.ts';

/** The one word that a command takes. */
export function oneWord(usage: string, words: readonly string[]): string {
  const [only = ''] = words;
  if (only !== '' && words.length === 1) return only;
  throw new PortkitError('PK1001', `The form is: portkit ${usage}`);
}

/** The two words that a command takes. */
export function twoWords(usage: string, words: readonly string[]): readonly [string, string] {
  const [first = '', second = ''] = words;
  if (first !== '' && second !== '' && words.length === 2) return [first, second];
  throw new PortkitError('PK1001', `The form is: portkit ${usage}`);
}
