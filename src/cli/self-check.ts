import { randomBytes } from 'node:crypto';
import { chmodSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { digestOf, hexOf } from '../base/digest.ts';
import type { Digest } from '../base/digest.ts';
import { PortkitError } from '../base/errors.ts';
import { checkout } from '../store/host/checkout.ts';
import { snapshot } from '../store/host/snapshot.ts';
import type { Store } from '../store/store.ts';

/** One thing the store was seen to do, or what went wrong. */
interface Result {
  readonly name: string;
  readonly problem: string | undefined;
}

interface Setting {
  readonly root: string;
  readonly openStore: (root: string) => Store;
  readonly signal: AbortSignal;
}

/** Proves the store on a disk: put, get, damage, heal, records across a restart, verification. */
export async function selfCheck(setting: Setting): Promise<readonly Result[]> {
  const { signal } = setting;
  const large = randomBytes(3_000_000);
  const small = Array.from({ length: 200 }, (_, at) => randomBytes(1 + at * 50));
  const results: Result[] = [];
  let digests: readonly Digest[] = [];
  async function step(name: string, work: (store: Store) => Promise<boolean>): Promise<void> {
    await using store = setting.openStore(setting.root);
    const problem = await work(store).then((ok) => (ok ? undefined : 'wrong result'), String);
    // Cancelled is not broken.
    signal.throwIfAborted();
    results.push({ name, problem });
  }
  await step('store: a large blob and 200 small ones go in, durable', async (store) => {
    const batch = store.blobs.batch();
    digests = small.map((bytes) => batch.add(bytes));
    await batch.commit(signal);
    const info = await store.blobs.write(one(large), signal);
    return info.digest === digestOf(large);
  });
  await step('store: another opening reads every byte back', async (store) => {
    const same = small.every((bytes, at) => bytes.equals(store.blobs.get(digests[at] ?? digestOf('')) ?? Buffer.alloc(0)));
    return same && large.equals(store.blobs.get(digestOf(large)) ?? Buffer.alloc(0));
  });
  await step('store: a damaged blob is never served, and a put heals it', async (store) => {
    const path = join(store.directory, 'blobs/sha256', hexOf(digestOf(large)));
    flipBit(path);
    const caught = await Promise.resolve()
      .then(() => store.blobs.get(digestOf(large)))
      .catch((error: unknown) => error);
    await store.blobs.write(one(large), signal);
    const healed = large.equals(store.blobs.get(digestOf(large)) ?? Buffer.alloc(0));
    return caught instanceof PortkitError && caught.code === 'PK2001' && healed;
  });
  await step('store: a record is found again', async (store) => {
    store.actions.save([{ key: digestOf('self-check'), outputs: [{ kind: 'blob', digest: digestOf(large) }], detail: null }]);
    return store.actions.lookup(digestOf('self-check')) !== undefined;
  });
  await step('store: the same bytes again take no more room', async (store) => {
    const before = contentBytes(store);
    const batch = store.blobs.batch();
    for (const bytes of small) batch.add(bytes);
    await batch.commit(signal);
    await store.blobs.write(one(large), signal);
    return contentBytes(store) === before;
  });
  await step('store: a folder becomes a tree, the same one again, and comes back', (store) => roundTrip(store, setting));
  await step('store: everything verifies', async (store) => (await store.verify({}, signal)).findings.length === 0);
  return results;
}

function contentBytes(store: Store): number {
  const kinds = store.usage().filter((one) => one.kind === 'blobs' || one.kind === 'packs');
  return kinds.reduce((sum, one) => sum + one.bytes, 0);
}

async function roundTrip(store: Store, { root, signal }: Setting): Promise<boolean> {
  const [source, out] = [join(root, 'source'), join(root, 'out')];
  mkdirSync(join(source, 'folder'), { recursive: true });
  writeFileSync(join(source, 'folder/program'), 'program', { mode: 0o755 });
  symlinkSync('folder/program', join(source, 'link'));
  const first = await snapshot(source, store, { signal });
  const second = await snapshot(source, store, { signal });
  await checkout(first.tree, out, { blobs: store.blobs, signal });
  const third = await snapshot(out, store, { signal });
  return first.tree === second.tree && first.tree === third.tree;
}

function flipBit(path: string): void {
  const bytes = readFileSync(path);
  bytes[1000] = (bytes[1000] ?? 0) ^ 1;
  chmodSync(path, 0o600);
  writeFileSync(path, bytes);
}

async function* one(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield await Promise.resolve(bytes);
}
