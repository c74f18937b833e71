import type { Answer } from '../../http/call.ts';
import type { Take } from '../../http/receive.ts';
import type { Descriptor } from '../model/descriptor.ts';
import { beginCourse } from './course.ts';
import type { Course, Start } from './course.ts';
import type { Session } from './session.ts';

/** The bytes of a blob; cut connections are taken up again where they ended. Not verified but for the size. */
export async function openBlob(
  session: Session,
  descriptor: Descriptor,
  signal: AbortSignal,
): Promise<AsyncIterable<Uint8Array>> {
  const course = await beginCourse(session, descriptor, { offset: 0, signal });
  return descriptor.size <= atOnce ? gathered(course, descriptor) : streamed(course);
}

/** Blobs of at most so many bytes come as one piece: many small ones cost much more than they are. */
const atOnce = 2 << 20;

async function* gathered(course: Course, { size }: Descriptor): AsyncGenerator<Uint8Array> {
  const bytes = Buffer.allocUnsafe(size);
  await receiveOn(course, (chunk) => bytes.set(chunk, course.at() - chunk.length));
  if (size > 0) yield bytes;
}

async function* streamed(course: Course): AsyncGenerator<Uint8Array> {
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

/** A registry may not know ranges, and then sends everything. */
async function* rest(answer: Answer, at: number): AsyncGenerator<Uint8Array> {
  const skip = skipping(answer, at);
  for await (const chunk of answer.body) {
    const wanted = skip(chunk);
    if (wanted.length > 0) yield wanted;
  }
}

/** Leaves out what an answer repeats. */
function skipping({ status }: Answer, at: number): (chunk: Uint8Array) => Uint8Array {
  let left = status === 206 ? 0 : at;
  return (chunk) => {
    const wanted = chunk.subarray(left);
    left -= chunk.length - wanted.length;
    return wanted;
  };
}

/** Where to begin, and who takes what comes. */
export interface ReceiveFrom extends Start {
  /** What it throws is thrown as it is. */
  readonly take: Take;
}

/** The bytes of a blob from an offset on, given piece by piece, which costs least. Checked as little as those of `openBlob`. */
export async function receiveBlob(session: Session, descriptor: Descriptor, { take, ...start }: ReceiveFrom): Promise<void> {
  if (start.offset === descriptor.size) return;
  await receiveOn(await beginCourse(session, descriptor, start), take);
}

async function receiveOn(course: Course, take: Take): Promise<void> {
  while (!course.isOver()) {
    try {
      const answer = await course.answer();
      const skip = skipping(answer, course.at());
      await answer.receive((chunk) => {
        const wanted = skip(chunk);
        course.move(wanted.length);
        take(wanted);
      });
      course.end();
    } catch (error) {
      await course.fail(error);
    }
  }
}
