import { readFile } from 'node:fs/promises';
import { digestFromHex, digestOf, hexOf } from '../base/digest.ts';
import type { Digest } from '../base/digest.ts';
import { PortkitError } from '../base/errors.ts';
import { showDuration } from '../base/units.ts';
import { decompress, defaultDecompressLimits, detectCompression } from '../formats/compression/decompress.ts';
import type { Unxz } from '../formats/compression/decompress.ts';
import type { FetchSpec } from '../graph/source-ops.ts';
import type { Facts, Op, OpContext, Outcome } from '../solver/op.ts';
import type { BlobAdopter, BlobInfo, BlobStore, WholeFile } from '../store/blobs.ts';
import { parseChecksum, showChecksum } from './fetch/checksum.ts';
import type { Checksum } from './fetch/checksum.ts';
import { download } from './fetch/download.ts';
import type { DownloadWorld } from './fetch/download.ts';
import { parseFingerprint, verifySignature } from './fetch/signature.ts';
import { parseSource } from './fetch/url.ts';
import { asOutcome } from './outcome.ts';

/** Where digests of URLs are kept between builds: the lock. URLs come without credentials. */
export interface Pins {
  get(url: string): Digest | undefined;
  /** The names of pins that begin like this. */
  starting?(prefix: string): readonly string[];
  /** Given when pins are to be renewed: then the bytes of today are what is pinned. */
  set?(url: string, digest: Digest): void;
}

/** What fetching is lent by its builder. */
export interface FetchWorld extends Omit<DownloadWorld, 'signal' | 'transfer' | 'waiting'> {
  readonly blobs: BlobStore & BlobAdopter;
  readonly pin?: Pins;
  /** The bytes of a public key file, named relative to the definition's directory. */
  readKey(path: string, signal: AbortSignal): Promise<Uint8Array>;
  readonly unxz: Unxz;
}

/** Bytes an answer may have when the step says nothing. */
const defaultLimit = 16 * 2 ** 30;
const signatureLimit = 1 << 20;

/**
 * A file by URL. The key holds the digest and not the URL, so that mirrors and moved files are the same step. What is pinned
 * by SHA-256 alone is known by that: its bytes are only fetched when they are needed and the store does not have them.
 * Unpinned, it fails and says what to pin.
 */
export function fetchOp(spec: FetchSpec, world: FetchWorld): Op {
  let pinning: Promise<Outcome> | undefined;
  return {
    code: 'fetch/1',
    pool: 'network',
    facts(context) {
      if (world.pin?.set === undefined || pinOf(spec, world) !== undefined) return factsOf(spec, world);
      pinning ??= pinToday(spec, world, context);
      return pinning.then(() => factsOf(spec, world));
    },
    run: async (_, context) => {
      const outcome = await pinning;
      return outcome?.ok === false ? outcome : asOutcome(() => fetchPinned(spec, world, context));
    },
  };
}

function factsOf(spec: FetchSpec, world: Pick<FetchWorld, 'pin'>): Facts {
  const { signature, maxSize } = spec;
  const pinned = pinOf(spec, world);
  const facts: Record<string, string> =
    pinned === undefined ? { url: digestOf(parseSource(spec.url).url.href) } : { digest: showChecksum(pinned) };
  if (maxSize !== undefined) facts['size limit'] = String(maxSize);
  if (signature !== undefined) {
    facts['signed by'] = signature.fingerprints.map(parseFingerprint).toSorted().join(' ');
    facts['signature of'] = signature.of ?? 'file';
  }
  // A signature is only believed after a run.
  if (pinned?.algorithm !== 'sha256' || signature !== undefined) return { facts };
  return { facts, outputs: [{ kind: 'blob', digest: digestFromHex(pinned.hex) }] };
}

async function pinToday(spec: FetchSpec, world: FetchWorld, context: OpContext): Promise<Outcome> {
  return asOutcome(async () => {
    const blob = await obtain(spec, undefined, { ...world, ...lent(context) });
    await checkSignature(spec, blob, { ...world, ...lent(context), pinned: false });
    world.pin?.set?.(parseSource(spec.url).url.href, blob.digest);
    return { ok: true, outputs: [{ kind: 'blob', digest: blob.digest }] };
  });
}

async function fetchPinned(spec: FetchSpec, world: FetchWorld, context: OpContext): Promise<Outcome> {
  const pinned = pinOf(spec, world);
  const lentWorld = { ...world, ...lent(context), pinned: pinned !== undefined };
  const blob = await obtain(spec, pinned, lentWorld);
  const signer = await checkSignature(spec, blob, lentWorld);
  if (pinned === undefined) {
    throw new PortkitError('PK3205', `${parseSource(spec.url).shown} is not pinned`, {
      hint: `Write  sha256 = "${hexOf(blob.digest)}"  (${blob.size} bytes${signer === undefined ? '' : `, signed by ${signer}`}), or renew the lock`,
    });
  }
  const detail = { size: blob.size, ...(signer === undefined ? {} : { signer }) };
  return { ok: true, outputs: [{ kind: 'blob', digest: blob.digest }], detail };
}

type LentWorld = FetchWorld & DownloadWorld;

/** The bytes, from the store when they are there, else from wherever they are found first. */
async function obtain(spec: FetchSpec, pinned: Checksum | undefined, world: LentWorld): Promise<BlobInfo> {
  const maxSize = spec.maxSize ?? defaultLimit;
  const here = pinned?.algorithm === 'sha256' ? await world.blobs.stat(digestFromHex(pinned.hex), world.signal) : undefined;
  if (here !== undefined && here.size <= maxSize) return here;
  const sources = [spec.url, ...(spec.mirrors ?? [])].map(parseSource);
  const { blobs, signal } = world;
  const take = (content: AsyncIterable<Uint8Array>) => blobs.write(content, signal);
  const adopt = async (file: WholeFile): Promise<BlobInfo> => {
    await blobs.adopt(file, signal);
    return { digest: file.digest, size: file.size };
  };
  return download({ sources, pinned, maxSize, take, adopt }, world);
}

/** Verifies what is in the store, so that what was verified and what is used are the same bytes; answers who signed. */
async function checkSignature(
  { url, signature, maxSize = defaultLimit }: FetchSpec,
  { digest }: BlobInfo,
  world: LentWorld & { readonly pinned: boolean },
): Promise<string | undefined> {
  if (signature === undefined) return undefined;
  const { blobs, signal, pinned } = world;
  const keys = await Promise.all(signature.keys.map((key) => bytesOfKey(key, world)));
  const sources = [parseSource(signature.url)];
  const bytes = await download(
    { sources, pinned: undefined, maxSize: signatureLimit, take: gather, adopt: ({ path }) => readFile(path) },
    { ...world, transfer: () => undefined },
  );
  const stored = await blobs.open(digest, signal);
  if (stored === undefined) throw new PortkitError('PK2002', `The blob ${digest} is not in the store`);
  const content = signature.of === 'uncompressed' ? await uncompressed(stored, maxSize, world) : stored;
  const { fingerprints } = signature;
  const by = { signature: bytes, keys, fingerprints, shown: parseSource(url).shown, now: new Date(world.now()), pinned };
  return verifySignature(content, by);
}

async function uncompressed(stored: AsyncIterable<Uint8Array>, maxSize: number, { unxz, signal }: LentWorld) {
  const { format, content } = await detectCompression(stored);
  const limits = { ...defaultDecompressLimits, bytes: maxSize };
  return format === undefined ? content : decompress(content, { format, limits, unxz }, signal);
}

function bytesOfKey(key: string, world: LentWorld): Promise<Uint8Array> {
  return key.trimStart().startsWith('-----BEGIN PGP') ? Promise.resolve(Buffer.from(key)) : world.readKey(key, world.signal);
}

async function gather(content: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  return Buffer.concat(await Array.fromAsync(content));
}

function pinOf(spec: FetchSpec, { pin }: Pick<FetchWorld, 'pin'>): Checksum | undefined {
  const text = spec.digest ?? pin?.get(parseSource(spec.url).url.href);
  return text === undefined ? undefined : parseChecksum(text);
}

function lent(context: OpContext): Pick<DownloadWorld, 'signal' | 'transfer' | 'waiting'> {
  return {
    signal: context.signal,
    transfer: (done, total) => context.transfer(done, total),
    waiting(servers, ms) {
      const line = `${servers.join(', ')}: no usable answer, trying again in ${showDuration(ms)}\n`;
      context.output('stderr', Buffer.from(line));
      context.retry?.(servers, ms);
    },
  };
}
