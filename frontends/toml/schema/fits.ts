import published from '../../../portkit.schema.json' with { type: 'json' };
import type { JsonSchema } from './json.ts';

/**
 * Whether a value has the form of a definition, by the published schema. zod says the same, but takes longer to load than
 * a whole build that finds everything cached; it is loaded to say what is wrong.
 */
export function fitsDefinition(value: unknown): boolean {
  return fits(value, published);
}

/** Whether a value fits a schema. */
export function fits(value: unknown, schema: JsonSchema): boolean {
  if ('const' in schema && value !== schema.const) return false;
  if (schema.enum !== undefined && !schema.enum.includes(value)) return false;
  if (schema.type !== undefined && !types[schema.type]?.(value)) return false;
  if (typeof value === 'string' && !fitsText(value, schema)) return false;
  if (typeof value === 'number' && !(value >= (schema.minimum ?? -Infinity) && value <= (schema.maximum ?? Infinity)))
    return false;
  if (Array.isArray(value) && !fitsList(value, schema)) return false;
  if (isTable(value) && !fitsTable(value, schema)) return false;
  if (schema.anyOf !== undefined && !schema.anyOf.some((one) => fits(value, one))) return false;
  if (schema.allOf !== undefined && !schema.allOf.every((one) => fits(value, one))) return false;
  return schema.if === undefined || schema.then === undefined || !fits(value, schema.if) || fits(value, schema.then);
}

const types: Readonly<Record<string, (value: unknown) => boolean>> = {
  string: (value) => typeof value === 'string',
  boolean: (value) => typeof value === 'boolean',
  integer: (value) => Number.isSafeInteger(value),
  array: (value) => Array.isArray(value),
  object: isTable,
};

const patterns = new Map<string, RegExp>();

function fitsText(value: string, { minLength = 0, pattern }: JsonSchema): boolean {
  if (pattern === undefined) return value.length >= minLength;
  const known = patterns.get(pattern) ?? new RegExp(pattern);
  patterns.set(pattern, known);
  return value.length >= minLength && known.test(value);
}

function fitsList(value: readonly unknown[], { minItems = 0, items }: JsonSchema): boolean {
  return value.length >= minItems && (items === undefined || value.every((item) => fits(item, items)));
}

function fitsTable(value: Readonly<Record<string, unknown>>, schema: JsonSchema): boolean {
  const { properties, additionalProperties, propertyNames, required } = schema;
  if (required !== undefined && !required.every((key) => Object.hasOwn(value, key))) return false;
  for (const key of Object.keys(value)) {
    if (propertyNames !== undefined && !fits(key, propertyNames)) return false;
    const own = properties !== undefined && Object.hasOwn(properties, key) ? properties[key] : additionalProperties;
    if (own === false || (typeof own === 'object' && !fits(value[key], own))) return false;
  }
  return true;
}

function isTable(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof Date);
}
