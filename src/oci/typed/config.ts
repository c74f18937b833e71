import { PortkitError } from '../../base/errors.ts';
import type { Family } from '../model/families.ts';
import { documentLimit } from '../model/manifest.ts';

/** A configuration as JSON has it. */
export type Config = Readonly<Record<string, unknown>>;

/** The kinds that envelopes of these families say; others are the registry's to know. */
const kinds: Partial<Readonly<Record<Family, string>>> = {
  agent: 'Agent',
  bundle: 'AgentSystem',
  model: 'Model',
  fileset: 'FileSet',
};

/** A configuration from YAML or JSON (which is YAML); PK4007 for what is neither, or says more than JSON can. */
export async function parseConfig(bytes: Uint8Array, shown: string): Promise<Config> {
  if (bytes.length > documentLimit) throw new PortkitError('PK4006', `${shown} has more than ${documentLimit} bytes`);
  const { isScalar, parseDocument, visit } = await import('yaml');
  const text = decode(bytes, shown);
  // The library compares each key with each other one: for a table of 60,000 that takes a minute.
  const document = parseDocument(text, { uniqueKeys: false, stringKeys: true, merge: false, logLevel: 'error' });
  const [error] = document.errors;
  if (error !== undefined) throw malformed(shown, error.message.split('\n')[0] ?? '');
  visit(document, {
    Map(_, { items }) {
      const seen = new Set<unknown>();
      for (const { key } of items) {
        const name = isScalar(key) ? key.value : key;
        if (seen.size === seen.add(name).size)
          throw malformed(shown, `it has the name ${JSON.stringify(String(name).slice(0, 100))} twice in one table`);
      }
    },
  });
  const value = plain(() => document.toJS({ maxAliasCount: 100 }), shown);
  checkJson(value, shown, 0);
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return Object.fromEntries(Object.entries(value));
  throw malformed(shown, 'it is no table of names and values');
}

/** Refuses (PK4004) a configuration whose envelope says that it is of another kind than its family. */
export function checkKind(config: Config, family: Family, shown: string): void {
  const expected = kinds[family];
  const { kind } = config;
  if (expected === undefined || kind === undefined || kind === expected) return;
  const article = /^[AEIOU]/.test(expected) ? 'an' : 'a';
  throw new PortkitError('PK4004', `${shown}: expected ${article} ${expected} artifact, got kind ${JSON.stringify(kind)}`, {
    hint: 'Name the family with --family, or push it to a path such as HOST/agents/NAME',
  });
}

function decode(bytes: Uint8Array, shown: string): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    throw malformed(shown, 'it is not UTF-8');
  }
}

function plain(make: () => unknown, shown: string): unknown {
  try {
    return make();
  } catch (error) {
    throw malformed(shown, error instanceof Error ? error.message : String(error));
  }
}

const deepest = 100;

/** Only what JSON can say the same way: a number that is none would silently become null. */
function checkJson(value: unknown, shown: string, depth: number): void {
  if (depth > deepest) throw malformed(shown, `it is nested more than ${deepest} deep`);
  if (typeof value === 'bigint' || (typeof value === 'number' && !isExact(value))) {
    throw malformed(shown, `${value} is no number that JSON has for sure`);
  }
  if (typeof value === 'string' && !value.isWellFormed()) throw malformed(shown, 'it has half a character');
  if (typeof value !== 'object' || value === null) return;
  if (!Array.isArray(value) && Object.getPrototypeOf(value) !== Object.prototype)
    throw malformed(shown, 'it has a value of a type that JSON does not have');
  for (const inner of Object.values(value)) checkJson(inner, shown, depth + 1);
}

/** Numbers that every reader of JSON reads the same way (RFC 8259, section 6). */
function isExact(value: number): boolean {
  return Number.isFinite(value) && (!Number.isInteger(value) || Number.isSafeInteger(value));
}

function malformed(shown: string, why: string): PortkitError {
  return new PortkitError('PK4007', `${shown} is no configuration: ${why}`, {
    hint: 'A configuration is a table in YAML or JSON: apiVersion, kind, metadata, spec',
  });
}
