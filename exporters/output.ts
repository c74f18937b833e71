import { PortkitError } from '../src/base/errors.ts';
import { suggest } from '../src/base/suggest.ts';
import { csvFields } from './csv.ts';

/** One `--output` as data; `src` and `target` are empty when everything is meant. */
export interface Output {
  readonly type: 'local' | 'tar';
  readonly dest: string;
  readonly src: readonly string[];
  readonly target: readonly string[];
  /** Files get the owners that they have in the tree. */
  readonly keepOwner: boolean;
}

const keysOf: Readonly<Record<Output['type'], readonly string[]>> = {
  local: ['type', 'dest', 'src', 'target', 'owner'],
  tar: ['type', 'dest', 'src', 'target'],
};
const repeatable = ['src', 'target'];

/** Reads one `--output`; what is unknown, missing or given twice is an error (PK3401). */
export function parseOutput(text: string): Output {
  const fields = csvFields(text);
  if (fields === undefined) {
    throw wrong(text, 'the quotes do not match', 'Quote a whole field and double the quotes in it: type=local,"dest=a,b"');
  }
  const [only = ''] = fields;
  if (fields.length === 1 && !only.startsWith('type=')) return shortForm(text, only);
  const given = pairs(text, fields);
  const type = typeOf(text, given.get('type')?.[0]);
  for (const [key, values] of given) checkKey({ text, type, key, values });
  return {
    type,
    dest: destinationOf(text, given.get('dest')?.[0]),
    src: given.get('src') ?? [],
    target: given.get('target') ?? [],
    keepOwner: ownerOf(text, given.get('owner')?.[0]),
  };
}

function shortForm(text: string, dest: string): Output {
  // `typ=local` is more likely a typing error than a directory.
  if (/^[A-Za-z]+=/.test(dest)) throw wrong(text, 'it has no type', 'Write type=local,dest=DIR, or ./NAME for a directory');
  const type = dest === '-' ? 'tar' : 'local';
  return { type, dest: destinationOf(text, dest), src: [], target: [], keepOwner: false };
}

function pairs(text: string, fields: readonly string[]): ReadonlyMap<string, readonly string[]> {
  const given = new Map<string, string[]>();
  for (const field of fields) {
    const [, name, value] = /^([^=]*)=(.*)$/s.exec(field) ?? [];
    if (name === undefined || value === undefined) {
      throw wrong(text, `${JSON.stringify(field)} is not of the form key=value`, 'A value with a comma is quoted: "dest=a,b"');
    }
    const key = name.trim().toLowerCase();
    given.set(key, [...(given.get(key) ?? []), value]);
  }
  return given;
}

function typeOf(text: string, type: string | undefined): Output['type'] {
  if (type === 'local' || type === 'tar') return type;
  if (type === undefined) throw wrong(text, 'it has no type', 'Write type=local,dest=DIR or type=tar,dest=FILE');
  throw wrong(text, `the type ${JSON.stringify(type)} is not known`, nearest(type, Object.keys(keysOf)));
}

function checkKey(one: { text: string; type: Output['type']; key: string; values: readonly string[] }): void {
  const { text, type, key, values } = one;
  const known = keysOf[type];
  if (!known.includes(key)) throw wrong(text, `type=${type} has no ${JSON.stringify(key)}`, nearest(key, known));
  if (values.length > 1 && !repeatable.includes(key)) throw wrong(text, `${key} is given twice`, 'Give it once');
  if (values.includes('')) throw wrong(text, `${key} is empty`, 'Give it a value, or leave it out');
}

function destinationOf(text: string, dest: string | undefined): string {
  if (dest === undefined || dest === '') throw wrong(text, 'it has no destination', 'Add dest=PATH');
  if (dest.includes('\0')) throw wrong(text, 'a path has no NUL bytes', 'Name another destination');
  return dest;
}

function ownerOf(text: string, owner: string | undefined): boolean {
  if (owner === undefined || owner === 'keep') return owner === 'keep';
  throw wrong(text, `owner is "keep" or not given, not ${JSON.stringify(owner)}`, 'Without it, files belong to you');
}

function nearest(typed: string, known: readonly string[]): string {
  const near = suggest(typed, known);
  return near === undefined ? `Known are ${known.join(', ')}` : `Did you mean ${JSON.stringify(near)}?`;
}

function wrong(text: string, what: string, hint: string): PortkitError {
  return new PortkitError('PK3401', `--output ${text.slice(0, 200)}: ${what}`, { hint });
}
