import { parseArgs } from 'node:util';
import { PortkitError } from '../base/errors.ts';
import type { Command, Invocation } from './command.ts';
import { suggest } from './suggest.ts';

/** The words and options of one command; whatever it does not take is an error, never passed over. */
export function parseCommandLine(name: string, command: Command, args: readonly string[]): Pick<Invocation, 'words' | 'options'> {
  const { values, positionals } = parse(name, command, args);
  const extra = positionals[command.words];
  if (extra === undefined) return { words: positionals, options: values };
  const known = Object.keys(command.options);
  const near = suggest(extra.replace(/^-+/, ''), known);
  throw new PortkitError('PK1001', `"portkit ${name}" does not take ${JSON.stringify(extra)}`, {
    hint: near === undefined ? `Usage: portkit ${command.usage}` : `Did you mean "--${near}"?`,
  });
}

function parse(name: string, command: Command, args: readonly string[]) {
  const options = Object.fromEntries(Object.entries(command.options).map(([option, { type }]) => [option, { type }]));
  try {
    return parseArgs({ args: [...args], options, allowPositionals: true, strict: true });
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    const option = /'(--?[^' =<]+)/.exec(message)?.[1] ?? '';
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
