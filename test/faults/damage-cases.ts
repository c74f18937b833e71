import { mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { digestOf, hexOf } from '../../src/base/digest.ts';
import type { Digest } from '../../src/base/digest.ts';
import { PortkitError } from '../../src/base/errors.ts';
import { checkout } from '../../src/store/host/checkout.ts';
import { snapshot } from '../../src/store/host/snapshot.ts';
import { openStore } from '../../src/store/open.ts';
import type { Store } from '../../src/store/store.ts';
import { damages } from './damages.ts';

/** One field of the matrix: does one damage to one object in a new store; answers what the store then did wrong. */
export interface DamageCase {
  readonly object: string;
  readonly damage: string;
  run(root: string): Promise<readonly string[]>;
}

type Damage = (path: string, other: Uint8Array) => void;

const { signal } = new AbortController();

/** A kind of object: how it gets into a store (again), which file holds it, and whether what is read is right. */
interface Kind {
  /** Puts the object; done again after the damage it must heal. */
  readonly put: (store: Store, root: string) => Promise<void>;
  readonly path: (root: string) => string;
  /** Right, a miss, or a coded refusal; anything else is wrong. */
  readonly read: (store: Store, root: string) => Promise<'right' | 'miss' | 'wrong'>;
  readonly other: Uint8Array;
}

const large = Buffer.alloc(300_000, 'the blob');
const small = [Buffer.alloc(900, 'small'), Buffer.alloc(20_000, 'larger'), Buffer.from('x')];
const record = { key: digestOf('the key'), outputs: [{ kind: 'blob' as const, digest: digestOf(large) }], detail: { n: 1 } };

const kinds: Readonly<Record<string, Kind>> = {
  'a blob': {
    put: async (store) => void (await store.blobs.write(one(large), signal)),
    path: (root) => join(root, 'v1/blobs/sha256', hexOf(digestOf(large))),
    read: async (store) =>
      worst(judgeBytes(await readAll(store, digestOf(large)), large), judgeBytes(store.blobs.get(digestOf(large)), large)),
    other: Buffer.alloc(300_000, 'another'),
  },
  'a pack': {
    put: async (store) => {
      const batch = store.blobs.batch();
      for (const bytes of small) batch.add(bytes);
      await batch.commit(signal);
    },
    path: onlyPack,
    read: async (store) => {
      const found = small.map((bytes) => attempt(() => judgeBytes(store.blobs.get(digestOf(bytes)), bytes)));
      return Promise.resolve(worst(...found));
    },
    other: otherPack(),
  },
  'a tree node': {
    put: async (store, root) => {
      mkdirSync(`${root}.source/deep`, { recursive: true });
      writeFileSync(`${root}.source/deep/file`, 'content');
      const { tree } = await snapshot(`${root}.source`, store, { signal });
      store.tags.set('tree', { kind: 'tree', digest: tree });
    },
    path: onlyPack,
    read: async (store, root) => {
      const tree = store.tags.get('tree')?.digest ?? digestOf('');
      rmSync(`${root}.out`, { recursive: true, force: true });
      await checkout(tree, `${root}.out`, { blobs: store.blobs, signal });
      return readFileSync(`${root}.out/deep/file`, 'utf8') === 'content' ? 'right' : 'wrong';
    },
    other: otherPack(),
  },
};

/** Every damage to every kind of object. */
export const damageCases: readonly DamageCase[] = Object.entries(damages).flatMap(([damage, harm]) => [
  ...Object.entries(kinds).map(([object, kind]) => ({ object, damage, run: (root: string) => damageObject(kind, harm, root) })),
  { object: 'a record', damage, run: (root: string) => damageRecords(savedAction, harm, root) },
  { object: 'a tag', damage, run: (root: string) => damageRecords(savedTag, harm, root) },
  { object: 'the index', damage, run: (root: string) => damageIndex(harm, root) },
  { object: "a session's lock", damage, run: (root: string) => damageSession(harm, root, 's-dead/lock') },
  { object: 'a session', damage, run: (root: string) => damageSession(harm, root, 's-dead') },
]);

/** Three times the same damage: met by a reader, by a put that nobody warned, and by a verification. */
async function damageObject(kind: Kind, harm: Damage, root: string): Promise<readonly string[]> {
  const wrongs: string[] = [];
  const expectThat = (holds: boolean, what: string): void => void (holds || wrongs.push(what));
  const quarantined = (): boolean => readdirSync(join(root, 'v1/quarantine')).length > 0;
  for (const way of ['read', 'put', 'verify']) {
    rmSync(root, { recursive: true, force: true });
    {
      await using store = open(root);
      await kind.put(store, root);
    }
    harm(kind.path(root), kind.other);
    await using store = open(root);
    if (way === 'read') expectThat((await outcome(() => kind.read(store, root))) !== 'wrong', 'a reader got wrong bytes');
    if (way === 'verify') {
      expectThat((await store.verify({}, signal)).findings.length > 0, 'a verification did not find it');
      await store.verify({ repair: true }, signal);
      expectThat(quarantined(), 'a repair kept nothing in the quarantine');
      const left = (await store.verify({}, signal)).findings.filter(({ object }) => object !== 'tag');
      expectThat(left.length === 0, `a repair left ${JSON.stringify(left)}`);
    }
    await kind.put(store, root);
    const healed = await outcome(() => kind.read(store, root));
    expectThat(healed === 'right', `after ${way} a put did not heal it: ${healed}`);
    const left =
      (await store.verify({ repair: true }, signal)).findings.length > 0 ? (await store.verify({}, signal)).findings : [];
    expectThat(left.length === 0, `after ${way} and a put there was left ${JSON.stringify(left)}`);
  }
  return wrongs;
}

/** What a record file holds: how it is saved, whether it is right or gone, and the line of another one of its kind. */
interface Saved {
  readonly save: (store: Store) => void;
  readonly read: (store: Store) => unknown;
  readonly right: unknown;
  readonly other: object;
}

const savedAction: Saved = {
  save: (store) => store.actions.save([record]),
  read: (store) => store.actions.lookup(record.key),
  right: record,
  other: { type: 'action', ...record, detail: 'another' },
};
const savedTag: Saved = {
  save: (store) => store.tags.set('a', { kind: 'blob', digest: digestOf(large) }),
  read: (store) => store.tags.get('a'),
  right: { kind: 'blob', digest: digestOf(large) },
  other: { type: 'tag', name: 'a', ref: { kind: 'blob', digest: digestOf('another') } },
};

/** With the index the record is still known; without it, a damaged file is never half-read, and the record is a miss. */
async function damageRecords(saved: Saved, harm: Damage, root: string): Promise<readonly string[]> {
  const wrongs: string[] = [];
  const expectThat = (holds: boolean, what: string): void => void (holds || wrongs.push(what));
  const isRight = (store: Store): boolean => JSON.stringify(saved.read(store)) === JSON.stringify(saved.right);
  for (const way of ['verify', 'rebuild']) {
    rmSync(root, { recursive: true, force: true });
    {
      await using store = open(root);
      await store.blobs.write(one(large), signal);
      saved.save(store);
    }
    const text = `${JSON.stringify(saved.other)}\n${'0'.repeat(64)}\n`;
    harm(join(root, 'v1/records', readdirSync(join(root, 'v1/records'))[0] ?? ''), Buffer.from(text));
    if (way === 'rebuild') rmSync(join(root, 'v1/index.db'));
    await using store = open(root);
    if (way === 'verify') {
      const { findings } = await store.verify({ repair: true }, signal);
      expectThat(
        findings.some(({ object }) => object === 'record'),
        'a verification did not find it',
      );
      expectThat(isRight(store), 'what a sound index knew was lost');
      await store.rebuildIndex(signal);
      expectThat(isRight(store), 'a repair did not write the journal anew');
    } else {
      expectThat(saved.read(store) === undefined, 'a damaged file was read');
      saved.save(store);
      expectThat(isRight(store), 'it could not be saved again');
    }
    expectThat(readdirSync(join(root, 'v1/quarantine')).length > 0, `after ${way} nothing was in the quarantine`);
    expectThat((await store.verify({}, signal)).findings.length === 0, `after ${way} there was something left`);
  }
  return wrongs;
}

/** A damaged index is refused, or hides things; it never makes wrong bytes right, and made anew it knows everything. */
async function damageIndex(harm: Damage, root: string): Promise<readonly string[]> {
  const wrongs: string[] = [];
  const expectThat = (holds: boolean, what: string): void => void (holds || wrongs.push(what));
  const objects = Object.values(kinds);
  {
    await using store = open(root);
    for (const kind of objects.slice(0, 2)) await kind.put(store, root);
    store.actions.save([record]);
    store.tags.set('a', { kind: 'blob', digest: digestOf(large) });
  }
  harm(join(root, 'v1/index.db'), Buffer.alloc(8192, 'no index'));
  await using store = openStore(root, host, { replaceDamagedIndex: true });
  for (const kind of objects.slice(0, 2))
    expectThat((await outcome(() => kind.read(store, root))) !== 'wrong', 'a reader got wrong bytes');
  await store.rebuildIndex(signal);
  for (const kind of objects.slice(0, 2)) {
    const found = await outcome(() => kind.read(store, root));
    // What a wrong row made look damaged was quarantined: a put heals it.
    if (found === 'right') continue;
    await kind.put(store, root);
    expectThat((await outcome(() => kind.read(store, root))) === 'right', `a put did not heal what the index had hidden`);
  }
  expectThat(store.actions.lookup(record.key) !== undefined && store.tags.get('a') !== undefined, 'a record or tag was lost');
  const { findings } = await store.verify({}, signal);
  expectThat(findings.length === 0, `a new index left ${JSON.stringify(findings)}`);
  return wrongs;
}

/** What a dead process left is cleared away whatever became of it, and nothing else with it. */
async function damageSession(harm: Damage, root: string, name: string): Promise<readonly string[]> {
  await using store = open(root);
  await store.blobs.write(one(large), signal);
  const folder = join(root, 'v1/sessions/s-dead');
  mkdirSync(folder);
  writeFileSync(join(folder, '1'), 'half a blob');
  writeFileSync(join(folder, 'lock'), Buffer.alloc(100, 'lock'));
  if (name === 's-dead') {
    rmSync(folder, { recursive: true });
    writeFileSync(folder, 'no folder');
  }
  harm(join(root, 'v1/sessions', name), Buffer.from('another'));
  await store.collect({}, signal);
  const wrongs: string[] = [];
  if (readdirSync(join(root, 'v1/sessions')).includes('s-dead')) wrongs.push('the leftover was not cleared away');
  if (judgeBytes(store.blobs.get(digestOf(large)), large) !== 'right') wrongs.push('a blob went with it');
  return wrongs;
}

const host = { now: () => 1_000_000 };

function open(root: string): Store {
  return openStore(root, host);
}

function onlyPack(root: string): string {
  return join(root, 'v1/packs', readdirSync(join(root, 'v1/packs'))[0] ?? '');
}

function judgeBytes(read: Uint8Array | undefined, expected: Uint8Array): 'right' | 'miss' | 'wrong' {
  if (read === undefined) return 'miss';
  return Buffer.from(read).equals(expected) ? 'right' : 'wrong';
}

async function readAll(store: Store, digest: Digest): Promise<Uint8Array | undefined> {
  const content = await store.blobs.open(digest, signal);
  if (content === undefined) return undefined;
  const chunks: Uint8Array[] = [];
  for await (const chunk of content) chunks.push(chunk);
  return Buffer.concat(chunks);
}

type Found = 'right' | 'miss' | 'wrong';

/** What a reading came to; a coded refusal is a miss, any other error is wrong. */
async function outcome(read: () => Promise<Found>): Promise<Found> {
  try {
    return await read();
  } catch (error) {
    if (error instanceof PortkitError) return 'miss';
    throw error;
  }
}

function attempt(read: () => Found): Found {
  try {
    return read();
  } catch (error) {
    if (error instanceof PortkitError) return 'miss';
    throw error;
  }
}

function worst(...found: readonly Found[]): Found {
  if (found.includes('wrong')) return 'wrong';
  return found.includes('miss') ? 'miss' : 'right';
}

async function* one(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield await Promise.resolve(bytes);
}

/** A whole pack with other blobs. */
function otherPack(): Uint8Array {
  return Buffer.alloc(21_000, 'no pack');
}
