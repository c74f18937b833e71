import { PortkitError } from '../base/errors.ts';
import { suggest } from '../base/suggest.ts';
import type { Invocation } from './command.ts';

/** The verbs of a command, each with the options that only some of them take. */
export interface Verbs<V> {
  readonly command: string;
  readonly verbs: Readonly<Record<string, V>>;
  /** The options that every verb takes. */
  readonly common: readonly string[];
}

/** The verb that the first word names; another word, or an option of another verb, is an error (PK1001). */
export function chooseVerb<V extends { readonly options: readonly string[] }>(
  { command, verbs, common }: Verbs<V>,
  { words, options }: Invocation,
): V {
  const name = words[0] ?? '';
  const verb = Object.hasOwn(verbs, name) ? verbs[name] : undefined;
  if (verb === undefined) {
    const near = suggest(name, Object.keys(verbs));
    const all = Object.keys(verbs).join(', ');
    const hint = near === undefined ? `It is one of: ${all}` : `Did you mean "portkit ${command} ${near}"?`;
    const what = name === '' ? 'needs a verb' : `does not know ${JSON.stringify(name)}`;
    throw new PortkitError('PK1001', `"portkit ${command}" ${what}`, { hint });
  }
  // Passed over in silence, it would be a trap: `verify --dry-run --repair` would repair.
  const foreign = Object.keys(options).find((option) => !common.includes(option) && !verb.options.includes(option));
  if (foreign === undefined) return verb;
  const owner = Object.keys(verbs).find((other) => verbs[other]?.options.includes(foreign) === true) ?? '';
  throw new PortkitError('PK1001', `"portkit ${command} ${name}" does not take --${foreign}`, {
    hint: `--${foreign} is an option of "portkit ${command} ${owner}"`,
  });
}
