import { PortkitError } from '../base/errors.ts';

/**
 * The value of JSON that every reader understands alike: UTF-8 without a byte order mark, and no key twice in one object,
 * since programs differ in which of the two they believe; and not so deep that walking it needs a deep stack. Anything else is
 * PK3301.
 */
export function parseStrictJson(bytes: Uint8Array, shown: string): unknown {
  const refuse = (why: string, cause?: unknown) =>
    new PortkitError('PK3301', `${shown} is no JSON that can be trusted: ${why}`, { cause });
  let text: string;
  let value: unknown;
  try {
    text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
    value = JSON.parse(text);
  } catch (error) {
    throw refuse('it is malformed', error);
  }
  const flaw = flawOf(text);
  if (flaw !== undefined) throw refuse(flaw);
  return value;
}

/** What JSON cannot write out again beyond some depth, nobody needs at this one. */
const deepest = 1000;

/** What is wrong with text that is known to be JSON: there, a string before a colon is a key. */
function flawOf(text: string): string | undefined {
  const open: (Set<string> | undefined)[] = [];
  const marks = /["{}[\]]/g;
  const colon = /\s*:/y;
  for (let found = marks.exec(text); found !== null; found = marks.exec(text)) {
    const [mark] = found;
    if (mark === '}' || mark === ']') open.pop();
    else if (mark !== '"') open.push(mark === '{' ? new Set() : undefined);
    if (open.length > deepest) return `it is nested more than ${deepest} deep`;
    if (mark !== '"') continue;
    const end = endOfString(text, found.index);
    marks.lastIndex = end;
    colon.lastIndex = end;
    if (!colon.test(text)) continue;
    const key = String(JSON.parse(text.slice(found.index, end)));
    if (open.at(-1)?.has(key) === true) return `it has the key ${JSON.stringify(key.slice(0, 100))} twice`;
    open.at(-1)?.add(key);
  }
  return undefined;
}

/** Behind the quote that ends a string: one with an even number of backslashes before it. A regular expression needs a stack. */
function endOfString(text: string, start: number): number {
  for (let at = start + 1; ;) {
    const quote = text.indexOf('"', at);
    let slashes = quote;
    while (text[slashes - 1] === '\\') slashes -= 1;
    if ((quote - slashes) % 2 === 0) return quote + 1;
    at = quote + 1;
  }
}
