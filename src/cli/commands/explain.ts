import { codes, PortkitError } from '../../base/errors.ts';
import type { ErrorCode } from '../../base/errors.ts';
import { explanations } from '../../base/explain.ts';
import type { Command } from '../command.ts';

/** `portkit explain PK2001`. */
export const explain: Command = {
  usage: 'explain [CODE]',
  about: 'Prints the long form of an error code, or the list of all codes.',
  words: 1,
  options: {},
  run({ words, print }) {
    const code = words[0]?.toUpperCase();
    if (code === undefined)
      print(
        Object.entries(codes)
          .map(([name, { title }]) => `${name}  ${title}`)
          .join('\n'),
      );
    else if (isCode(code)) print(`${code}: ${codes[code].title} (exit status ${codes[code].exit})\n\n${explanations[code]}`);
    else {
      throw new PortkitError('PK1001', `There is no error code ${JSON.stringify(code)}`, {
        hint: '"portkit explain" lists them',
      });
    }
    return Promise.resolve(0);
  },
};

function isCode(text: string): text is ErrorCode {
  return Object.hasOwn(codes, text);
}
