import type { Nearness } from './nearness.ts';
import type { Take } from './receive.ts';

/** Bytes to send, of a known number, that can be opened again. */
interface Body {
  readonly size: number;
  open(signal: AbortSignal): AsyncIterable<Uint8Array>;
}

/** One request. */
export interface Call {
  readonly method: 'GET' | 'HEAD' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  readonly url: URL;
  readonly headers?: Readonly<Record<string, string>>;
  /** Is only ever sent to the origin of `url`. */
  readonly authorization?: string | undefined;
  readonly body?: Body;
  /** Addresses that may be connected to: how near they may be. */
  readonly within?: ((nearness: Nearness) => boolean) | undefined;
  readonly signal: AbortSignal;
}

/** What came of it. Exactly one of `body`, `receive` and `discard` is used. */
export interface Answer {
  readonly status: number;
  readonly url: URL;
  /** The addresses that its request was allowed to go to. */
  readonly within?: Call['within'];
  header(name: string): string | undefined;
  /** Throws `PassingFailure` in the place of an end that came too early. */
  readonly body: AsyncIterable<Uint8Array>;
  /** Gives the body to `take` piece by piece, which costs least. Rejects with what `take` throws, or as `body` does. */
  receive(take: Take): Promise<void>;
  discard(): void;
  /** All of the body has to come in the time that headers have, as is right for documents but not for blobs. */
  hurry(): void;
}
