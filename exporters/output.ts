import { PortkitError } from '../src/base/errors.ts';
import { suggest } from '../src/base/suggest.ts';
import { csvFields } from './csv.ts';

/** The ways out that portkit has by itself, and the one that is a program of the user. */
type OutputType = 'local' | 'tar' | 'file-store' | 'oci-layout' | 'oci-archive' | 'oci-registry' | 'plugin';

/** One `--output` as data; `src` and `target` are empty when everything is meant, `dest` where the type has none. */
export interface Output {
  readonly type: OutputType;
  readonly dest: string;
  readonly src: readonly string[];
  readonly target: readonly string[];
  /** Files get the owners that they have in the tree. */
  readonly keepOwner: boolean;
  /** The reference that results are published under. */
  readonly name?: string;
  /** How a registry is spoken to, when that does not follow from its host. */
  readonly transport?: 'plain-http' | 'tls';
  /** For plugins: the file or package, and what it is told. */
  readonly from?: string;
  readonly options?: Readonly<Record<string, string>>;
}

interface Keys {
  readonly needed: readonly string[];
  readonly known: readonly string[];
}

const keysOf: Readonly<Record<OutputType, Keys>> = {
  local: { needed: ['dest'], known: ['src', 'target', 'owner'] },
  tar: { needed: ['dest'], known: ['src', 'target'] },
  'file-store': { needed: ['dest', 'name'], known: ['target'] },
  'oci-layout': { needed: ['dest'], known: ['name', 'target'] },
  'oci-archive': { needed: ['dest'], known: ['name', 'target'] },
  'oci-registry': { needed: ['name'], known: ['target', 'transport'] },
  plugin: { needed: ['from'], known: ['target'] },
};
// oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the keys of the table above
const outputTypes = Object.keys(keysOf) as readonly OutputType[];
const repeatable = ['src', 'target'];
const missing: Readonly<Record<string, readonly [what: string, hint: string]>> = {
  dest: ['it has no destination', 'Add dest=PATH'],
  name: ['it has no name', 'Add name=REGISTRY/REPOSITORY:TAG'],
  from: ['it names no plugin', 'Add from=./FILE.ts or from=PACKAGE'],
};

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
  for (const key of keysOf[type].needed) checkThere(text, key, given.get(key)?.[0]);
  const [dest = ''] = given.get('dest') ?? [];
  const [name] = given.get('name') ?? [];
  const [from] = given.get('from') ?? [];
  const [transport] = type === 'plugin' ? [] : (given.get('transport') ?? []);
  return {
    type,
    dest: dest === '' ? dest : destinationOf(text, dest),
    src: given.get('src') ?? [],
    target: given.get('target') ?? [],
    keepOwner: ownerOf(text, given.get('owner')?.[0]),
    ...(name !== undefined && { name }),
    ...(transport !== undefined && { transport: transportOf(text, transport) }),
    ...(from !== undefined && { from, options: optionsOf(given) }),
  };
}

/** What only the plugin understands. */
function optionsOf(given: ReadonlyMap<string, readonly string[]>): Readonly<Record<string, string>> {
  const { needed, known } = keysOf.plugin;
  const ours = new Set(['type', ...needed, ...known]);
  return Object.fromEntries([...given].flatMap(([key, [value]]) => (ours.has(key) || value === undefined ? [] : [[key, value]])));
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

function typeOf(text: string, type: string | undefined): OutputType {
  const found = outputTypes.find((one) => one === type);
  if (found !== undefined) return found;
  if (type === undefined) throw wrong(text, 'it has no type', 'Write type=local,dest=DIR or type=tar,dest=FILE');
  throw wrong(text, `the type ${JSON.stringify(type)} is not known`, nearest(type, outputTypes));
}

function checkKey(one: { text: string; type: OutputType; key: string; values: readonly string[] }): void {
  const { text, type, key, values } = one;
  const known = ['type', ...keysOf[type].needed, ...keysOf[type].known];
  if (type !== 'plugin' && !known.includes(key))
    throw wrong(text, `type=${type} has no ${JSON.stringify(key)}`, nearest(key, known));
  if (values.length > 1 && !repeatable.includes(key)) throw wrong(text, `${key} is given twice`, 'Give it once');
  if (values.includes('')) throw wrong(text, `${key} is empty`, 'Give it a value, or leave it out');
}

function checkThere(text: string, key: string, value: string | undefined): void {
  const [what = '', hint = ''] = missing[key] ?? [];
  if (value === undefined || value === '') throw wrong(text, what, hint);
}

function destinationOf(text: string, dest: string): string {
  checkThere(text, 'dest', dest);
  if (dest.includes('\0')) throw wrong(text, 'a path has no NUL bytes', 'Name another destination');
  return dest;
}

function ownerOf(text: string, owner: string | undefined): boolean {
  if (owner === undefined || owner === 'keep') return owner === 'keep';
  throw wrong(text, `owner is "keep" or not given, not ${JSON.stringify(owner)}`, 'Without it, files belong to you');
}

function transportOf(text: string, transport: string): 'plain-http' | 'tls' {
  if (transport === 'plain-http' || transport === 'tls') return transport;
  throw wrong(text, `transport is plain-http or tls, not ${JSON.stringify(transport)}`, 'Without it, loopback is plain HTTP');
}

function nearest(typed: string, known: readonly string[]): string {
  const near = suggest(typed, known);
  return near === undefined ? `Known are ${known.join(', ')}` : `Did you mean ${JSON.stringify(near)}?`;
}

function wrong(text: string, what: string, hint: string): PortkitError {
  return new PortkitError('PK3401', `--output ${text.slice(0, 200)}: ${what}`, { hint });
}
