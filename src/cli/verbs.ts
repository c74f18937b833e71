import { PortkitError } from '../base/errors.ts';
import { suggest } from '../base/suggest.ts';
import type { Invocation, Option } from './command.ts';

/** One verb of a command, with the options that it takes beside those of all its verbs. */
interface WithOptions {
  readonly options: readonly string[];
}

/** A command that has verbs, and the options that all of them take. */
export interface Verbs<T extends WithOptions> {
  readonly command: string;
  readonly shared: Readonly<Record<string, Option>>;
  readonly verbs: Readonly<Record<string, T>>;
}

/**
 * The verb that a command line names. An option of another verb would be passed over in silence (`verify --dry-run
 * --repair` would repair), so it is refused.
 */
export function verbOf<T extends WithOptions>({ command, shared, verbs }: Verbs<T>, { words, options }: Invocation): T {
  const name = words[0] ?? '';
  const verb = Object.hasOwn(verbs, name) ? verbs[name] : undefined;
  if (verb === undefined) {
    const near = suggest(name, Object.keys(verbs));
    const hint = near === undefined ? `Run "portkit help ${command}"` : `Did you mean "portkit ${command} ${near}"?`;
    const what = name === '' ? 'needs a verb' : `does not know ${JSON.stringify(name)}`;
    throw new PortkitError('PK1001', `"portkit ${command}" ${what}`, { hint });
  }
  const foreign = Object.keys(options).find((option) => !Object.hasOwn(shared, option) && !verb.options.includes(option));
  if (foreign === undefined) return verb;
  const owner = Object.keys(verbs).find((other) => verbs[other]?.options.includes(foreign) === true) ?? '';
  throw new PortkitError('PK1001', `"portkit ${command} ${name}" does not take --${foreign}`, {
    hint: `--${foreign} is an option of "portkit ${command} ${owner}"`,
  });
}
