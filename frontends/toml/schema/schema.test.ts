import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { parse } from 'smol-toml';
import { describe, expect, onTestFinished, test } from 'vitest';
import published from '../../../portkit.schema.json' with { type: 'json' };
import { shapeFindings } from '../issues.ts';
import { fits, fitsDefinition } from './fits.ts';
import type { JsonSchema } from './json.ts';
import { jsonSchema, plainSchema } from './json.ts';

const good = `
[vars]
size = "1MiB"
[steps.kernel]
fetch = { url = "https://example.org/", max_size = "\${size}", sha512 = "${'a'.repeat(128)}" }
[steps.files]
tree = [{ copy = "step:kernel", to = "/boot/vmlinux", mode = "0644" }, { mkdir = "/tmp", mode = "1777" }]
[steps.packages]
deb = { packages = ["zlib1g", { name = "libc6" }] }
[artifacts.kernels.k]
reference = { registry = "r", repository = "p", version = "v1" }
distribution = { push = { backend = "file-system", root = "x" } }
[hosts.a]
anything = [1, "x"]
`;
const bad = good.replace('mkdir = "/tmp"', 'mkdri = "/tmp"').replace('root = "x"', 'endpoint = "x"');

test('the published schema is current, and says only what the quick check knows', () => {
  expect(published).toEqual(jsonSchema());
  const known =
    '$schema title type enum const pattern minLength minimum maximum minItems items properties required additionalProperties ' +
    'propertyNames anyOf allOf if then';
  const met = new Set<string>();
  const visit = (schema: JsonSchema): void => {
    for (const key of Object.keys(schema)) met.add(key);
    const { items, additionalProperties: more, propertyNames, properties = {}, anyOf = [], allOf = [] } = schema;
    const below = [items, typeof more === 'object' ? more : undefined, propertyNames, schema.if, schema.then, ...anyOf, ...allOf];
    for (const one of [...below, ...Object.values(properties)]) if (one !== undefined) visit(one);
  };
  visit(published);
  expect([...met].filter((key) => !known.split(' ').includes(key))).toEqual([]);
});

test('an independent TOML tool takes a good definition and refuses a bad one', () => {
  const folder = mkdtempSync(join(tmpdir(), 'portkit-schema-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  writeFileSync(join(folder, 'good.toml'), good);
  writeFileSync(join(folder, 'bad.toml'), bad);
  const schema = new URL('../../../portkit.schema.json', import.meta.url).href;
  const taplo = 'node_modules/.bin/taplo';
  const { status, stderr } = spawnSync(
    taplo,
    ['lint', '--no-auto-config', '--schema', schema, join(folder, 'good.toml'), join(folder, 'bad.toml')],
    { encoding: 'utf8' },
  );
  expect(status).toBe(1);
  expect(stderr).toMatch(/bad\.toml/);
  expect(stderr).toMatch(/mkdri|mkdir/);
  expect(stderr).toMatch(/root|endpoint/);
  expect(stderr).not.toMatch(/good\.toml/);
});

function taken(value: unknown): boolean {
  return shapeFindings({ file: '', folder: '', parsed: '', variables: false, value: {} }, value).length === 0;
}

describe('the quick check and the schema agree', () => {
  test('on what is written by hand', () => {
    for (const text of [
      good,
      bad,
      '[steps]\na = 1979-05-27\n',
      '[steps.a]\nexec = 1979-05-27\n',
      'vars = 1\n',
      '[steps.""]\n',
      'include = []',
    ]) {
      const value: unknown = parse(text);
      expect([text, fitsDefinition(value)]).toEqual([text, taken(value)]);
    }
  });

  test('on good definitions with anything put anywhere', () => {
    const places = Array.from(pathsOf(parse(good)));
    const odd = fc.oneof(
      fc.constantFrom<unknown>(
        0,
        -1,
        1.5,
        2 ** 60,
        true,
        '',
        'x',
        '${a}',
        '755',
        'step:a',
        '12MiB',
        '12XB',
        [],
        {},
        [{}],
        [''],
        { copy: 'step:a' },
        new Date(0),
        Infinity,
      ),
      fc.jsonValue({ maxDepth: 3 }),
    );
    const key = fc.constantFrom(
      'path',
      'to',
      'mode',
      'copy',
      'write',
      'url',
      'backend',
      'root',
      'steps',
      'exec',
      'constructor',
      'a b',
      '',
      'toString',
    );
    fc.assert(
      fc.property(fc.constantFrom(...places), odd, fc.option(key), (path, value, extra) => {
        const whole = withAt(structuredClone(parse(good)), path, extra === null ? value : { [extra]: value });
        expect(fitsDefinition(whole)).toBe(taken(whole));
        expect(fits(whole, plainSchema())).toBe(fitsDefinition(whole));
      }),
      { numRuns: 200 },
    );
  });
});

type Path = readonly string[];

function* pathsOf(value: unknown, path: Path = []): Generator<Path> {
  if (path.length > 0) yield path;
  if (typeof value === 'object' && value !== null)
    for (const [key, item] of Object.entries(value)) yield* pathsOf(item, [...path, key]);
}

/** The whole with one value replaced or, for a table, some keys added to it. */
function withAt(whole: unknown, path: Path, value: unknown): unknown {
  const [key, ...rest] = path;
  if (key === undefined) return value;
  const copy: Record<string, unknown> = Array.isArray(whole) ? (whole as never) : { ...(whole as object) };
  copy[key] = withAt(copy[key], rest, value);
  return copy;
}
