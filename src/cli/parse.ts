import { parseArgs } from 'node:util';
import { PortkitError } from '../base/errors.ts';
import type { Command, Invocation } from './command.ts';
import { suggest } from '../base/suggest.ts';

/** The words and options of one command; whatever it does not take is an error, never passed over. */
export function parseCommandLine(name: string, command: Command, args: readonly string[]): Pick<Invocation, 'words' | 'options'> {
  const { values, positionals } = parse(name, command, args);
  const options = Object.fromEntries(Object.entries(values).map(([option, value]) => [option, valueOf(value)]));
  const extra = positionals[command.words];
  if (extra === undefined) return { words: positionals, options };
  const known = Object.keys(command.options);
  const near = suggest(extra.replace(/^-+/, ''), known);
  throw new PortkitError('PK1001', `"portkit ${name}" does not take ${JSON.stringify(extra)}`, {
    hint: near === undefined ? `Usage: portkit ${command.usage}` : `Did you mean "--${near}"?`,
  });
}

/** Lists hold strings only: no option that may be repeated is a flag. */
function valueOf(value: string | boolean | readonly (string | boolean)[] | undefined): Invocation['options'][string] {
  return typeof value === 'object' ? value.filter((one) => typeof one === 'string') : value;
}

function parse(name: string, command: Command, args: readonly string[]) {
  const options = Object.fromEntries(
    Object.entries(command.options).map(([option, { type, multiple = false, short }]) => [
      option,
      { type, multiple, ...(short !== undefined && { short }) },
    ]),
  );
  try {
    return parseArgs({ args: [...args], options, allowPositionals: true, strict: true });
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    const option = /'(?:-\w, )?(--?[^' =<]+)/.exec(message)?.[1] ?? '';
    const word = option.replace(/^-+/, '');
    const known = Object.hasOwn(command.options, word);
    const near = known ? undefined : suggest(word, Object.keys(command.options));
    const hint = near === undefined ? `Run "portkit help ${name}" for its options` : `Did you mean "--${near}"?`;
    const what = known
      ? `The option ${option} of "portkit ${name}" has a wrong or no value`
      : `Unknown option ${option} of "portkit ${name}"`;
    throw new PortkitError('PK1001', what, { hint });
  }
}
