import { readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { isAbsolute, join, resolve } from 'node:path';
import { PortkitError } from '../base/errors.ts';
import { openStore } from '../store/open.ts';
import type { OpenOptions } from '../store/open.ts';
import type { Store, StoreHost } from '../store/store.ts';
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
  // The XDG specification: a relative path there is invalid, and is ignored.
  const cache = process.env['XDG_CACHE_HOME'] ?? '';
  return join(isAbsolute(cache) ? cache : join(homedir(), '.cache'), 'portkit');
}

/** The store of a command line. */
export function openStoreAt(root: string, options: OpenOptions = {}): Store {
  const uid = process.getuid?.();
  return openStore(root, storeHost(), uid === undefined ? options : { uid, ...options });
}

/** The world as the store sees it. */
function storeHost(): StoreHost {
  return {
    now: Date.now,
    monotonic: () => Number(process.hrtime.bigint() / 1_000_000n),
    bootId: readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim(),
  };
}
