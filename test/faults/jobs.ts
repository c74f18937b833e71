import { createHash } from 'node:crypto';
import { existsSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { digestOf, hexOf } from '../../src/base/digest.ts';
import type { Digest } from '../../src/base/digest.ts';
import { PortkitError } from '../../src/base/errors.ts';
import type { BlobInfo } from '../../src/store/blobs.ts';
import { checkout } from '../../src/store/host/checkout.ts';
import { snapshot } from '../../src/store/host/snapshot.ts';
import { openParts } from '../../src/store/parts/parts.ts';
import type { Store } from '../../src/store/store.ts';
import { damageCases } from './damage-cases.ts';
import { repairAndUntag } from './empty.ts';
import { openForTest, sayError } from './judge.ts';

/** What a worker is told. */
interface Order {
  readonly root: string;
  readonly seed: string;
  readonly rounds: number;
  /** How far the clock is off. */
  readonly years: number;
  /** Say that a thing is done before it is: a control. */
  readonly early: boolean;
}

interface Work extends Order {
  readonly store: Store;
}

const { signal } = new AbortController();

const jobs: Readonly<Record<string, (work: Work) => Promise<void>>> = {
  work: (work) => eachRound(work, (round) => putAll(work, round)),
  mixed: (work) =>
    eachRound(work, async (round) => {
      await putAll(work, round, () => work.store.collect({}, signal));
    }),
  records,
  prepare,
  collect: (work) => eachRound(work, async () => void (await work.store.collect({}, signal))),
  'collect all': async ({ store }) => void (await store.collect({ maxSize: 0 }, signal)),
  empty: ({ root }) => repairAndUntag(root),
  hold,
  read,
  'read only': read,
  checkout: takeOut,
};

/** Runs one job to its end, or says how it failed. */
export async function runJob(name: string, order: Order): Promise<void> {
  try {
    if (name === 'damage') return await damage(order);
    const job = jobs[name];
    if (job === undefined) throw new Error(`There is no job "${name}"`);
    await using store = openForTest(order.root, order.years, { readOnly: name === 'read only' });
    await job({ ...order, store });
    say('end');
  } catch (error) {
    if (error instanceof PortkitError) say(`failed ${error.code}`);
    else say(`untyped ${sayError(error)}`);
    process.exitCode = 1;
  }
}

async function eachRound(work: Work, run: (round: number) => Promise<void>): Promise<void> {
  for (let round = 0; round < work.rounds; round += 1) await run(round);
}

/** Three files, a pack of twenty, and a record of them all; `between` runs when only this process knows of the blobs. */
async function putAll(work: Work, round: number, between: () => Promise<unknown> = () => Promise.resolve()): Promise<void> {
  const { store, seed } = work;
  const contents = [1, 2, 3].map((at) => bytesOf(`${seed} ${round} large ${at}`, 200_000));
  if (work.early) contents.forEach((bytes) => say(`blob ${digestOf(bytes)}`));
  const puts = await Promise.allSettled([
    ...contents.slice(1).map((bytes) => store.blobs.write(one(bytes), signal)),
    ...contents.slice(0, 1).map((bytes) => bring(store, bytes)),
  ]);
  const large = puts.flatMap((put) => (put.status === 'fulfilled' ? [put.value] : []));
  for (const { digest } of large) say(`blob ${digest}`);
  for (const put of puts) if (put.status === 'rejected') throw put.reason;
  const batch = store.blobs.batch();
  const small = Array.from({ length: 20 }, (_, at) => batch.add(bytesOf(`${seed} ${round} small ${at}`, 1 + at * 97)));
  if (work.early) small.forEach((digest) => say(`blob ${digest}`));
  await batch.commit(signal);
  for (const digest of small) say(`blob ${digest}`);
  await between();
  save(work, `${seed} ${round}`, [...small, ...large.map(({ digest }) => digest)]);
}

/** Puts a blob as downloads are: as a part that grows, and is moved in. */
async function bring(store: Store, bytes: Uint8Array): Promise<BlobInfo> {
  using parts = openParts(join(store.directory, 'downloads'), 0);
  await using part = await parts.open(hexOf(digestOf(bytes)), signal);
  if (part === undefined) throw new Error('Nobody else has this part');
  if (part.size === 0 || part.size > bytes.length) await part.begin('');
  const file = await part.grow(bytes.length);
  const half = Math.max(file.size, bytes.length >> 1);
  file.append(bytes.subarray(file.size, half));
  file.append(bytes.subarray(half));
  const blob = await file.finish();
  await store.blobs.adopt({ ...blob, path: part.path }, signal);
  await part.remove();
  return blob;
}

function save(work: Work, name: string, digests: readonly Digest[]): void {
  const key = digestOf(name);
  if (work.early) say(`action ${key}`);
  work.store.actions.save([{ key, outputs: digests.map((digest) => ({ kind: 'blob', digest })), detail: name }]);
  say(`action ${key}`);
}

function tag(work: Work, name: string, digest: Digest): void {
  if (work.early) say(`tag ${name} ${digest}`);
  work.store.tags.set(name, { kind: 'blob', digest });
  say(`tag ${name} ${digest}`);
}

/** A store worth collecting: tags and a record with outputs, and much that nothing leads to, in packs and in files. */
async function prepare(work: Work): Promise<void> {
  const { store, seed } = work;
  for (const at of [1, 2, 3]) await store.blobs.write(one(bytesOf(`${seed} loner ${at}`, 60_000)), signal);
  for (const part of ['a', 'b']) {
    const batch = store.blobs.batch();
    const digests = Array.from({ length: 12 }, (_, at) => batch.add(bytesOf(`${seed} ${part} ${at}`, 2000)));
    await batch.commit(signal);
    for (const digest of digests.slice(0, 2)) say(`blob ${digest}`);
    digests.slice(0, 1).forEach((digest) => tag(work, `kept-${part}`, digest));
    save(work, `${seed} ${part}`, digests.slice(1, 2));
  }
}

/** Tags set, moved and deleted, and records saved, over what `prepare` has left. */
function records(work: Work): Promise<void> {
  const digest = work.store.tags.get('kept-a')?.digest ?? digestOf('');
  tag(work, 'new', digest);
  save(work, `${work.seed} first`, [digest]);
  tag(work, 'second', digest);
  if (work.store.tags.delete('new')) say('untag new');
  save(work, `${work.seed} last`, [digest]);
  return Promise.resolve();
}

/** Puts blobs, waits until somebody makes ROOT.go, and then records what it has put. */
async function hold(work: Work): Promise<void> {
  await putAll(work, 0, async () => {
    say('waiting');
    while (!existsSync(`${work.root}.go`)) await setTimeout(5);
  });
}

/** Reads every blob that is listed: `wrong` is what a reader must never meet. */
async function read({ store }: Work): Promise<void> {
  for (const { digest } of store.list()) {
    const bytes = store.blobs.get(digest);
    const chunks: Uint8Array[] = [];
    for await (const chunk of (await store.blobs.open(digest, signal)) ?? []) chunks.push(chunk);
    if (bytes === undefined || digestOf(bytes) !== digest || digestOf(Buffer.concat(chunks)) !== digest) say(`wrong ${digest}`);
  }
}

/** Takes the folder ROOT.source in, checks it out to ROOT.out, and says the tree's name. */
async function takeOut(work: Work): Promise<void> {
  const { tree } = await snapshot(`${work.root}.source`, work.store, { signal });
  say(`tree ${tree}`);
  work.store.tags.set('tree', { kind: 'tree', digest: tree });
  if (work.early) say(`out ${tree}`);
  await checkout(tree, `${work.root}.out`, { blobs: work.store.blobs, signal });
  say(`out ${tree}`);
}

/** One case of the corruption matrix, by its number; every sentence said is something that the store did wrong. */
async function damage({ root, rounds }: Order): Promise<void> {
  for (const wrong of (await damageCases[rounds]?.run(root)) ?? []) say(`wrong: ${wrong}`);
  say('end');
}

/** Bytes that depend on a label alone. */
function bytesOf(label: string, size: number): Uint8Array {
  return Buffer.alloc(size, createHash('sha512').update(label).digest());
}

async function* one(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield await Promise.resolve(bytes);
}

function say(line: string): void {
  writeSync(1, `${line}\n`);
}
