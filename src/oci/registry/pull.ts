import { PortkitError } from '../../base/errors.ts';
import { parseOciDigest } from '../model/digest.ts';
import type { Descriptor } from '../model/descriptor.ts';
import type { Answer } from '../../http/call.ts';
import type { Take } from '../../http/receive.ts';
import { checkEncoding } from './documents.ts';
import { refusalOf } from './refusal.ts';
import { createPatience } from './retry.ts';
import type { Session } from './session.ts';

/** Bytes that make it worth to go on with a blob that was cut so often. */
const progress = 64 * 1024;

/** The bytes of a blob from `offset` on; cut connections are taken up again where they ended. Not verified but for the size. */
export async function openBlob(
  session: Session,
  descriptor: Descriptor,
  { offset, signal }: From,
): Promise<AsyncIterable<Uint8Array>> {
  checkSize(session, descriptor);
  if (!Number.isSafeInteger(offset) || offset < 0 || offset > descriptor.size)
    throw new RangeError('An offset is inside of its blob');
  if (offset > 0 && offset === descriptor.size) return nothing();
  const first = await session.ask(request(session, descriptor, { offset, signal }), (answer) =>
    checkedAnswer(session, answer, { descriptor, offset }),
  );
  return resumed(session, descriptor, { first, offset, signal });
}

async function* nothing(): AsyncGenerator<Uint8Array> {
  // All of it was there before.
}

interface From {
  readonly offset: number;
  readonly signal: AbortSignal;
}

/** Sizes are claims of others, and count as numbers first of all. */
function checkSize(session: Session, { size }: Descriptor): void {
  if (Number.isSafeInteger(size) && size >= 0) return;
  throw new PortkitError('PK4002', `A blob of ${session.place.shown} is said to have ${size} bytes`);
}

function request({ place }: Session, { digest }: Descriptor, { offset, signal }: From) {
  const headers: Record<string, string> = offset === 0 ? {} : { range: `bytes=${offset}-` };
  return { method: 'GET' as const, url: place.url(`blobs/${parseOciDigest(digest)}`), headers, signal };
}

async function* resumed(session: Session, descriptor: Descriptor, start: From & { first: Answer }): AsyncGenerator<Uint8Array> {
  const course = courseOf(session, descriptor, start);
  while (!course.isOver()) {
    try {
      for await (const chunk of rest(await course.answer(), course.at())) {
        course.move(chunk.length);
        yield chunk;
      }
      course.end();
    } catch (error) {
      await course.fail(error);
    }
  }
}

/** The same, given to `take` piece by piece, which costs least; what it throws is thrown as it is. */
export async function receiveBlob(
  session: Session,
  descriptor: Descriptor,
  { take, ...from }: From & { take: Take },
): Promise<void> {
  checkSize(session, descriptor);
  if (from.offset === descriptor.size) return;
  const first = await session.ask(request(session, descriptor, from), (answer) =>
    checkedAnswer(session, answer, { descriptor, offset: from.offset }),
  );
  const course = courseOf(session, descriptor, { ...from, first });
  while (!course.isOver()) {
    try {
      const answer = await course.answer();
      let skip = answer.status === 206 ? 0 : course.at();
      await answer.receive((chunk) => {
        const wanted = chunk.subarray(skip);
        skip -= chunk.length - wanted.length;
        course.move(wanted.length);
        take(wanted);
      });
      course.end();
    } catch (error) {
      await course.fail(error);
    }
  }
}

/** How far a blob has come, over as many answers as it takes. */
interface Course {
  at(): number;
  isOver(): boolean;
  answer(): Promise<Answer>;
  move(bytes: number): void;
  /** An answer was read to its end. */
  end(): void;
  /** Waits for another attempt, or throws. */
  fail(error: unknown): Promise<void>;
}

function courseOf(session: Session, descriptor: Descriptor, { offset, signal, first }: From & { first: Answer }): Course {
  const patience = createPatience(session.world);
  let next: Answer | undefined = first;
  let at = offset;
  let before = at;
  let isOver = false;
  return {
    at: () => at,
    isOver: () => isOver,
    async answer() {
      const answer = next ?? (await session.once(request(session, descriptor, { offset: at, signal })));
      const isFirst = next !== undefined;
      next = undefined;
      return isFirst ? answer : checkedAnswer(session, answer, { descriptor, offset: at });
    },
    move(bytes) {
      at += bytes;
      if (at > descriptor.size) throw wrongSize(session, descriptor, 'more bytes');
    },
    end() {
      if (at < descriptor.size) throw wrongSize(session, descriptor, 'fewer bytes');
      isOver = true;
    },
    async fail(error) {
      if (at - before >= progress) {
        patience.renew();
        before = at;
      }
      await patience.wait(error, signal);
      // All of it came before it was cut.
      isOver = at === descriptor.size;
    },
  };
}

/** A registry may not know ranges, and then sends everything. */
async function* rest(answer: Answer, at: number): AsyncGenerator<Uint8Array> {
  let skip = answer.status === 206 ? 0 : at;
  for await (const chunk of answer.body) {
    const skipped = Math.min(skip, chunk.length);
    skip -= skipped;
    if (skipped < chunk.length) yield chunk.subarray(skipped);
  }
}

async function checkedAnswer(
  session: Session,
  answer: Answer,
  wanted: { descriptor: Descriptor; offset: number },
): Promise<Answer> {
  const { descriptor, offset } = wanted;
  if (answer.status !== 200 && answer.status !== 206)
    throw await refusalOf(answer, `Cannot read ${shownBlob(session, descriptor)}`);
  checkEncoding(answer);
  const length = answer.header('content-length');
  const left = answer.status === 206 ? descriptor.size - offset : descriptor.size;
  if ((length === undefined || Number(length) === left) && startsAt(answer, offset)) return answer;
  answer.discard();
  throw wrongSize(session, descriptor, 'another number of bytes');
}

function startsAt(answer: Answer, offset: number): boolean {
  if (answer.status === 200) return true;
  return answer.header('content-range')?.startsWith(`bytes ${offset}-`) === true;
}

function wrongSize(session: Session, descriptor: Descriptor, amount: string): PortkitError {
  const message = `${shownBlob(session, descriptor)} comes with ${amount} than the ${descriptor.size} it should have`;
  return new PortkitError('PK4003', message);
}

function shownBlob({ place }: Session, { digest }: Descriptor): string {
  return `${place.shown}@${digest}`;
}
