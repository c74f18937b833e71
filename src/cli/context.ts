import { homedir } from 'node:os';
import { isAbsolute, join, resolve } from 'node:path';
import { PortkitError } from '../base/errors.ts';
import type { Option } from './command.ts';

/** The options of every command that works on the store. */
export const storeOptions: Readonly<Record<string, Option>> = {
  root: { type: 'string', value: 'DIR', help: 'the store (default: PORTKIT_ROOT, else $XDG_CACHE_HOME/portkit)' },
  json: { type: 'boolean', help: 'print the result as JSON' },
};

/** The root of the store for a command line. */
export function storeRoot(option: unknown): string {
  // `--root "$UNSET"` must not fall through to the user's own store.
  if (option === '') throw new PortkitError('PK1004', 'The option --root is empty', { hint: '--root takes a folder' });
  const given = typeof option === 'string' ? option : process.env['PORTKIT_ROOT'];
  if (given !== undefined && given !== '') return resolve(given);
  // The XDG base directory specification: a relative path is invalid and is ignored.
  const cache = process.env['XDG_CACHE_HOME'] ?? '';
  if (isAbsolute(cache)) return join(cache, 'portkit');
  if (isAbsolute(homedir())) return join(homedir(), '.cache', 'portkit');
  throw new PortkitError('PK2006', 'There is no home folder to keep the store in', { hint: 'Name a folder with --root' });
}
