import { readFileSync } from 'node:fs';
import { openStore } from './store/open.ts';
import type { OpenOptions } from './store/open.ts';
import type { Store, StoreHost } from './store/store.ts';

/** Opens the store of a root for the user, clock and boot of this machine: the one place where a store meets the world. */
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
