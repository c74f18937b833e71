import { PortkitError } from '../../base/errors.ts';
import type { Answer } from '../../http/call.ts';
import type { Descriptor } from '../model/descriptor.ts';
import { parseOciDigest } from '../model/digest.ts';
import { checkEncoding } from './documents.ts';
import { refusalOf } from './refusal.ts';
import { createPatience } from './retry.ts';
import type { Session } from './session.ts';

/** How far a blob has come, over as many answers as it takes. */
export interface Course {
  at(): number;
  isOver(): boolean;
  /** An answer that begins there, or one that begins at the beginning. */
  answer(): Promise<Answer>;
  /** So many bytes more have come. */
  move(bytes: number): void;
  /** An answer was read to its end. */
  end(): void;
  /** Waits for another attempt, or throws. */
  fail(error: unknown): Promise<void>;
}

/** Where a blob is wanted from. */
export interface Start {
  readonly offset: number;
  readonly signal: AbortSignal;
}

/** Bytes that make it worth to go on with a blob that was cut so often. */
const progress = 64 * 1024;

/** Asks for a blob from an offset on. */
export async function beginCourse(session: Session, descriptor: Descriptor, { offset, signal }: Start): Promise<Course> {
  const { place } = session;
  const { digest, size } = descriptor;
  // Sizes are claims of others, and count as numbers first of all.
  if (!Number.isSafeInteger(size) || size < 0) {
    throw new PortkitError('PK4002', `A blob of ${place.shown} is said to have ${size} bytes`);
  }
  if (!Number.isSafeInteger(offset) || offset < 0 || offset > size) throw new RangeError('An offset is inside of its blob');
  const request = (from: number) => {
    const headers: Record<string, string> = from === 0 ? {} : { range: `bytes=${from}-` };
    return { method: 'GET' as const, url: place.url(`blobs/${parseOciDigest(digest)}`), headers, signal };
  };
  const checked = (answer: Answer, from: number) => checkedAnswer(answer, { ...place, descriptor, offset: from });
  let next: Answer | undefined = await session.ask(request(offset), (answer) => checked(answer, offset));
  const patience = createPatience(session.world);
  let at = offset;
  let before = at;
  let isOver = false;
  return {
    at: () => at,
    isOver: () => isOver,
    async answer() {
      const answer = next ?? (await checked(await session.once(request(at)), at));
      next = undefined;
      return answer;
    },
    move(bytes) {
      at += bytes;
      if (at > size) throw wrongSize({ ...place, descriptor }, 'more bytes');
    },
    end() {
      if (at < size) throw wrongSize({ ...place, descriptor }, 'fewer bytes');
      isOver = true;
    },
    async fail(error) {
      if (at - before >= progress) {
        patience.renew();
        before = at;
      }
      await patience.wait(error, signal);
      // All of it may have come before it was cut.
      isOver = at === size;
    },
  };
}

interface Wanted {
  /** The repository. */
  readonly shown: string;
  readonly descriptor: Descriptor;
}

async function checkedAnswer(answer: Answer, wanted: Wanted & { readonly offset: number }): Promise<Answer> {
  const { shown, descriptor, offset } = wanted;
  if (answer.status !== 200 && answer.status !== 206) {
    throw await refusalOf(answer, `Cannot read ${shown}@${descriptor.digest}`);
  }
  checkEncoding(answer);
  const length = answer.header('content-length');
  const left = answer.status === 206 ? descriptor.size - offset : descriptor.size;
  if ((length === undefined || Number(length) === left) && startsAt(answer, offset)) return answer;
  answer.discard();
  throw wrongSize(wanted, 'another number of bytes');
}

function startsAt(answer: Answer, offset: number): boolean {
  if (answer.status === 200) return true;
  return answer.header('content-range')?.startsWith(`bytes ${offset}-`) === true;
}

function wrongSize({ shown, descriptor: { digest, size } }: Wanted, amount: string): PortkitError {
  return new PortkitError('PK4003', `${shown}@${digest} comes with ${amount} than the ${size} it should have`);
}
