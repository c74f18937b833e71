import { createReadStream } from 'node:fs';
import { relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { digestOf, hexOf } from '../../base/digest.ts';
import { PortkitError, codes } from '../../base/errors.ts';
import { resolveInside } from '../inside.ts';
import type { Bounds } from '../inside.ts';
import { readRegularFile } from '../regular-file.ts';
import { WrongContent, checked, showChecksum } from './checksum.ts';
import type { Checksum } from './checksum.ts';
import type { WholeFile } from '../../store/blobs.ts';
import type { Parts } from '../../store/parts/parts.ts';
import { openPartial } from './partial.ts';
import type { PartialFile } from './partial.ts';
import { attempt } from './transfer.ts';
import type { Attempt, TransferWorld } from './transfer.ts';
import type { Source } from './url.ts';

/** What to get: the first source that has it serves, and `take` is given its bytes. */
export interface Download<T> {
  readonly sources: readonly Source[];
  /** Content that ends has this checksum; other content throws in the place of its end. */
  readonly pinned: Checksum | undefined;
  readonly maxSize: number;
  take(content: AsyncIterable<Uint8Array>): Promise<T>;
  /** The same for content that is a file already, whose SHA-256 is known: it may be moved away. */
  adopt(file: WholeFile): Promise<T>;
}

/** What downloads are lent. */
export interface DownloadWorld extends TransferWorld {
  /** Where what is still coming is kept between processes. */
  readonly parts: Parts;
  /** Where files of `file:` URLs may be; none are read unless this is given. */
  readonly bounds?: Bounds;
  /** Waits; rejects when the signal is aborted. */
  sleep(ms: number, signal: AbortSignal): Promise<void>;
  /** A number from 0 to 1, another each time, so that many clients do not come back at the same moment. */
  jitter(): number;
}

/** Rounds over all sources that bring nothing before it is given up. */
const emptyRounds = 5;
/** Bytes that make a round worth another five. */
const progress = 1 << 20;
/** The longest wait a server may ask for. */
const longestWait = 60_000;

type Result<T> = { readonly ok: true; readonly value: T } | (Extract<Attempt, { ok: false }> & { readonly moved?: number });

/** Tries the sources in order, and those that may get better again, with growing waits. Throws the worst problem met. */
export async function download<T>(wanted: Download<T>, world: DownloadWorld): Promise<T> {
  let left = wanted.sources;
  const problems = new Map<Source, PortkitError>();
  const partials = new Map<Source, PartialFile>();
  await using held = new AsyncDisposableStack();
  /** One for all attempts: while this process has it, nobody else goes on with it. */
  async function partial(source: Source): Promise<PartialFile> {
    const one = partials.get(source) ?? held.use(await openPartial(world.parts, nameOf(source, wanted.pinned), world.signal));
    partials.set(source, one);
    return one;
  }
  for (let round = 1; ; round += 1) {
    const again: Source[] = [];
    const waits: number[] = [];
    for (const source of left) {
      const isFile = source.url.protocol === 'file:';
      const result = isFile
        ? await tryFile(source, wanted, world)
        : await tryOnce(source, wanted, { ...world, into: await partial(source) });
      if (result.ok) return result.value;
      problems.set(source, result.error);
      if ((result.moved ?? 0) >= progress) round = 1;
      if (!result.again || (result.afterMs ?? 0) > longestWait) continue;
      again.push(source);
      waits.push(result.afterMs ?? 0);
    }
    left = again;
    if (left.length === 0 || round >= emptyRounds) throw worst([...problems.values()]);
    const backOff = Math.min(500 * 2 ** (round - 1), 30_000) * (0.5 + world.jitter() / 2);
    await world.sleep(Math.max(backOff, Math.min(...waits)), world.signal);
  }
}

function nameOf({ url }: Source, pinned: Checksum | undefined): string {
  return hexOf(digestOf(`${pinned === undefined ? 'unpinned' : showChecksum(pinned)}\n${url.href}`));
}

async function tryOnce<T>(
  source: Source,
  wanted: Download<T>,
  world: DownloadWorld & { readonly into: PartialFile },
): Promise<Result<T>> {
  const { pinned, maxSize } = wanted;
  const { into } = world;
  const before = into.received;
  const result = await attempt({ source, into, pinned: pinned !== undefined, maxSize }, world);
  if (!result.ok) return { ...result, moved: into.received - before };
  const whole = await taken(source, wanted, async () => {
    const file = await into.finish();
    await checkFile(file, pinned);
    return wanted.adopt(file);
  });
  await into.remove();
  // The part from before may be of other content: one more attempt takes all of it from now.
  return whole.ok ? whole : { ...whole, again: before > 0 };
}

async function tryFile<T>(source: Source, wanted: Download<T>, world: DownloadWorld): Promise<Result<T>> {
  const { url, shown } = source;
  const given = /%2f|%00/i.test(url.pathname) ? undefined : fileURLToPath(url);
  try {
    if (given === undefined || world.bounds === undefined) {
      throw new PortkitError('PK3207', `${shown} may not be read here`, { hint: 'Use a local step, or https' });
    }
    const path = await resolveInside(relative(world.bounds.directory, given) || '.', world.bounds);
    const content = readRegularFile(path, { shown, maxSize: wanted.maxSize });
    const { pinned } = wanted;
    return await taken(source, wanted, () => wanted.take(pinned === undefined ? content : checked(content, pinned)));
  } catch (error) {
    if (error instanceof PortkitError && /^PK320[78]$/.test(error.code)) return { ok: false, error, again: false };
    throw error;
  }
}

/** Refuses (WrongContent) a file that has another checksum; another one than SHA-256 takes a second reading. */
async function checkFile({ path, digest }: WholeFile, pinned: Checksum | undefined): Promise<void> {
  if (pinned?.algorithm === 'sha256') {
    if (hexOf(digest) !== pinned.hex) throw new WrongContent({ algorithm: 'sha256', hex: hexOf(digest) });
  } else if (pinned !== undefined) {
    for await (const _ of checked(createReadStream(path, { highWaterMark: 1 << 20 }), pinned));
  }
}

async function taken<T>(source: Source, wanted: Download<T>, take: () => Promise<T>): Promise<Result<T>> {
  try {
    return { ok: true, value: await take() };
  } catch (error) {
    if (error instanceof PortkitError && error.code.startsWith('PK32')) return { ok: false, error, again: false };
    if (!(error instanceof WrongContent) || wanted.pinned === undefined) throw error;
    const problem = new PortkitError('PK3202', `${source.shown} has ${showChecksum(error.found)}, not what is pinned`, {
      hint: `Pinned is ${showChecksum(wanted.pinned)}: find out why it changed before you pin anything else`,
    });
    return { ok: false, error: problem, again: false };
  }
}

/** Wrong content says more than a network that is down, and that more than a server that does not have the file. */
function worst(problems: readonly PortkitError[]): PortkitError {
  const [first, ...others] = problems.toSorted((a, b) => codes[b.code].exit - codes[a.code].exit);
  if (first === undefined) throw new Error('A download has at least one source');
  if (others.length === 0) return first;
  const also = others.map((other) => other.message).join('; ');
  return new PortkitError(first.code, `${first.message} (and: ${also})`, first.hint === undefined ? {} : { hint: first.hint });
}
