/**
 * Canonical JSON: one text for one value, so that its digest can be an identity. Keys are sorted by UTF-16 code units;
 * what JSON cannot say the same way everywhere (undefined, NaN, unsafe integers, lone surrogates, objects of a class,
 * symbol keys, names on a list, cycles) is a bug of the caller and throws.
 */
export function canonicalJson(value: unknown): string {
  return write(value, []);
}

function write(value: unknown, above: readonly object[]): string {
  if (value === null || typeof value === 'boolean') return String(value);
  if (typeof value === 'number') return writeNumber(value);
  if (typeof value === 'string') return writeString(value);
  if (typeof value !== 'object') throw new Error(`A ${typeof value} has no canonical JSON`);
  if (above.includes(value)) throw new Error('A value that contains itself has no canonical JSON');
  const path = [...above, value];
  // JSON would pass over symbols, hidden members and names on a list: two values would share one identity.
  const shown = Array.isArray(value) ? value.length + 1 : Object.keys(value).length;
  if (Reflect.ownKeys(value).length !== shown)
    throw new Error('A value with members that JSON cannot show has no canonical JSON');
  if (Array.isArray(value)) return `[${Array.from(value, (item) => write(item, path)).join(',')}]`;
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype !== Object.prototype && prototype !== null) throw new Error('Only plain objects have canonical JSON');
  const members = Object.entries(value).toSorted(([a], [b]) => (a < b ? -1 : 1));
  return `{${members.map(([key, item]) => `${writeString(key)}:${write(item, path)}`).join(',')}}`;
}

function writeNumber(value: number): string {
  if (!Number.isFinite(value)) throw new Error(`${value} has no canonical JSON`);
  if (Number.isInteger(value) && !Number.isSafeInteger(value)) throw new Error(`${value} is too large to be exact in JSON`);
  return Object.is(value, -0) ? '0' : JSON.stringify(value);
}

function writeString(value: string): string {
  if (!value.isWellFormed()) throw new Error('A string with a lone surrogate has no canonical JSON');
  return JSON.stringify(value);
}
