import { closeSync, lstatSync, openSync } from 'node:fs';
import { join } from 'node:path';
import type { StoreHost } from '../store.ts';
import type { Index } from './index-db.ts';
import type { Layout } from './layout.ts';
import { plainFile } from './plain-file.ts';
import { startSession } from './session.ts';
import type { Session } from './session.ts';

/** What every part of the disk store works with. */
export interface State extends Disposable {
  readonly layout: Layout;
  readonly index: Index;
  readonly host: StoreHost;
  /** This process's session, started when it first writes or holds something. */
  session(): Session;
  /** An open pack by its number, or undefined when its file is not there. */
  pack(id: number): number | undefined;
  /** Closes packs that may have moved. */
  forgetPacks(): void;
}

/** Packs kept open at once. */
const openPacks = 32;

/** The state of one opened store. */
export function createState(layout: Layout, index: Index, host: StoreHost): State {
  let session: Session | undefined;
  const packs = new Map<number, number>();
  function forgetPacks(): void {
    for (const fd of packs.values()) closeSync(fd);
    packs.clear();
  }
  return {
    layout,
    index,
    host,
    session: () => (session ??= startSession(layout, index)),
    pack(id) {
      const open = packs.get(id);
      if (open !== undefined) return open;
      const name = index.sql('SELECT name FROM packs WHERE id = ?').get(id)?.['name'];
      if (name === undefined) return undefined;
      if (packs.size >= openPacks) forgetPacks();
      const path = join(layout.packs, `${String(name)}.pack`);
      if (lstatSync(path, { throwIfNoEntry: false })?.isFile() !== true) return undefined;
      const fd = openSync(path, plainFile);
      packs.set(id, fd);
      return fd;
    },
    forgetPacks,
    [Symbol.dispose]() {
      forgetPacks();
      session?.[Symbol.dispose]();
      session = undefined;
    },
  };
}
