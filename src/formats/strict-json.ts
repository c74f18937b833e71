import { PortkitError } from '../base/errors.ts';

/**
 * The value of JSON that every reader understands alike: UTF-8 without a byte order mark, and no key twice in one object,
 * since programs differ in which of the two they believe. Anything else is PK3301.
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
  const key = repeatedKey(text);
  if (key !== undefined) throw refuse(`it has the key ${JSON.stringify(key.slice(0, 100))} twice`);
  return value;
}

/** A key that one object has twice, in text that is known to be JSON: there, a string before a colon is a key. */
function repeatedKey(text: string): string | undefined {
  const objects: Set<string>[] = [];
  for (const match of text.matchAll(/"(?:[^"\\]|\\.)*"(\s*:)?|[{}]/g)) {
    const [token, colon] = match;
    if (token === '{') objects.push(new Set());
    else if (token === '}') objects.pop();
    if (colon === undefined) continue;
    const key = String(JSON.parse(token.slice(0, token.length - colon.length)));
    if (objects.at(-1)?.has(key) === true) return key;
    objects.at(-1)?.add(key);
  }
  return undefined;
}
