import { chmodSync, closeSync, fchmodSync, lstatSync, mkdirSync, openSync } from 'node:fs';
import { join } from 'node:path';
import { hexOf } from '../base/digest.ts';
import type { Digest } from '../base/digest.ts';
import { PortkitError, systemCode } from '../base/errors.ts';
import type { Ref } from '../base/ref.ts';
import { createSingleFlight } from '../base/single-flight.ts';
import { writeFully } from '../store/disk/durable.ts';
import { checkout } from '../store/host/checkout.ts';
import type { Store } from '../store/store.ts';
import { mountPoints } from './sandbox.ts';

/** A ref on the host's disk, for as long as it is held; read by many, written by nobody. */
interface Held extends AsyncDisposable {
  readonly path: string;
}

/** Refs as files and folders, made once for all who use them at a time. */
export interface Checkouts {
  /** `root`: with the fixed mount points of a root file system. */
  hold(ref: Ref, as: 'input' | 'root', signal: AbortSignal): Promise<Held>;
}

interface Wanted {
  readonly ref: Ref;
  readonly as: 'input' | 'root';
}

interface Made {
  readonly path: string;
  readonly bytes: number;
  users: number;
}

/** What checkouts are made with. */
export interface CheckoutOptions {
  readonly folder: string;
  readonly blobs: Store['blobs'];
  /** Gives a checkout to whom the commands run as, who otherwise could not read what only its owner may. */
  readonly giveAway: (path: string, signal: AbortSignal) => Promise<void>;
  /** Removes a folder whatever modes are in it. */
  readonly discard: (path: string) => Promise<void>;
  /** Bytes of checkouts that nobody uses now but somebody may again. */
  readonly keepBytes: number;
}

/** Checkouts in a folder of their own; they are copies, so that no command ever sees a file of the store. */
export function createCheckouts(options: CheckoutOptions): Checkouts {
  /** In the order of last use. */
  const made = new Map<string, Made>();
  const flights = createSingleFlight<Made>();
  let count = 0;

  async function make(key: string, { ref, as }: Wanted, signal: AbortSignal): Promise<Made> {
    const path = join(options.folder, `${as}-${hexOf(ref.digest).slice(0, 16)}-${(count += 1)}`);
    try {
      const work = { blobs: options.blobs, signal };
      const bytes =
        ref.kind === 'tree' ? (await checkout(ref.digest, path, work)).bytes : await writeBlob(ref.digest, path, work);
      if (as === 'root') addMountPoints(path);
      await options.giveAway(path, signal);
      const one = { path, bytes, users: 0 };
      made.set(key, one);
      return one;
    } catch (error) {
      await options.discard(path);
      throw error;
    }
  }

  async function forgetOldest(): Promise<void> {
    const idle = [...made].filter(([, one]) => one.users === 0);
    let bytes = idle.reduce((sum, [, one]) => sum + one.bytes, 0);
    for (const [key, one] of idle) {
      if (bytes <= options.keepBytes) return;
      bytes -= one.bytes;
      made.delete(key);
      await options.discard(one.path);
    }
  }

  return {
    async hold(ref, as, signal) {
      const key = `${as} ${ref.kind} ${ref.digest}`;
      let one = made.get(key);
      while (one === undefined) {
        const landed = await flights.run(key, (signal) => make(key, { ref, as }, signal), signal);
        // It may have been forgotten again before anybody held it.
        if (made.get(key) === landed) one = landed;
      }
      one.users += 1;
      made.delete(key);
      made.set(key, one);
      let held = true;
      return {
        path: one.path,
        async [Symbol.asyncDispose]() {
          if (!held) return;
          held = false;
          one.users -= 1;
          await forgetOldest();
        },
      };
    },
  };
}

function addMountPoints(root: string): void {
  chmodSync(root, 0o755);
  for (const name of mountPoints) {
    const path = join(root, name);
    try {
      mkdirSync(path);
      chmodSync(path, 0o755);
    } catch (error) {
      if (systemCode(error) !== 'EEXIST') throw error;
      if (lstatSync(path).isDirectory()) continue;
      throw new PortkitError('PK3107', `/${name} of the root tree is no folder, so nothing can be mounted there`, {
        hint: `Remove it from the tree, or make it a folder`,
      });
    }
  }
}

async function writeBlob(
  digest: Digest,
  path: string,
  { blobs, signal }: { readonly blobs: Store['blobs']; readonly signal: AbortSignal },
): Promise<number> {
  const content = await blobs.open(digest, signal);
  if (content === undefined) throw new PortkitError('PK2002', `The blob ${digest} is not in the store`);
  const fd = openSync(path, 'wx', 0o400);
  try {
    let size = 0;
    for await (const chunk of content) {
      writeFully(fd, chunk);
      size += chunk.length;
    }
    fchmodSync(fd, 0o444);
    return size;
  } finally {
    closeSync(fd);
  }
}
