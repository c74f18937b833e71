import type { BuildEvent } from '../progress/event.ts';
import type { Face, Write } from './face.ts';

/** The version of the event lines: raised when a reader of the last one would misread the next. */
const version = 1;

/** Every event as one JSON object on a line of its own. */
export function jsonFace(write: Write): Face {
  return { take: (event) => write(`${eventLine(event)}\n`), end() {} };
}

/** `{"v":1,"type":…,"at":…}`; its bytes cannot steer a terminal that shows them. */
function eventLine({ type, at, ...rest }: BuildEvent): string {
  // JSON itself escapes the control characters below U+0020 and lone surrogates.
  return JSON.stringify({ v: version, type, at, ...rest }).replaceAll(
    /[\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/g,
    (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}
