import { z } from 'zod';
import { definition } from './definition.ts';

/** JSON Schema as zod writes it and as it is published: only what these definitions need of draft-07. */
export interface JsonSchema {
  readonly $schema?: string;
  readonly title?: string;
  readonly type?: string;
  readonly enum?: readonly unknown[];
  readonly const?: unknown;
  readonly pattern?: string;
  readonly minLength?: number;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly minItems?: number;
  readonly items?: JsonSchema;
  readonly properties?: Readonly<Record<string, JsonSchema>>;
  readonly required?: readonly string[];
  readonly additionalProperties?: JsonSchema | boolean;
  readonly propertyNames?: JsonSchema;
  readonly anyOf?: readonly JsonSchema[];
  readonly allOf?: readonly JsonSchema[];
  readonly if?: JsonSchema;
  readonly then?: JsonSchema;
}

/** Exactly what the zod schema says, with its unions as `anyOf`. */
export function plainSchema(): JsonSchema {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- what zod writes for these definitions has this form
  return z.toJSONSchema(definition, { target: 'draft-7', io: 'input' }) as JsonSchema;
}

/** The schema for editors: alternatives are told apart by `if`/`then`, so that a fault is told of the one that was meant. */
export function jsonSchema(): JsonSchema {
  const { $schema = '', ...rest } = choosing(plainSchema());
  return { $schema, title: 'A portkit definition', ...rest };
}

function choosing(schema: JsonSchema): JsonSchema {
  const { items, properties, additionalProperties, anyOf, ...rest } = schema;
  const alternatives = anyOf?.map(choosing);
  return {
    ...rest,
    ...(items && { items: choosing(items) }),
    ...(properties && {
      properties: Object.fromEntries(Object.entries(properties).map(([key, value]) => [key, choosing(value)])),
    }),
    ...(additionalProperties !== undefined && {
      additionalProperties: typeof additionalProperties === 'boolean' ? additionalProperties : choosing(additionalProperties),
    }),
    ...(alternatives && (alternatives.every(({ type }) => type === 'object') ? chosen(alternatives) : { anyOf: alternatives })),
  };
}

/** Tables that the value or the presence of their first key tells apart. */
function chosen(alternatives: readonly JsonSchema[]): JsonSchema {
  const kinds = alternatives.map(({ properties = {}, required = [] }) => {
    const [kind = ''] = required;
    const value = properties[kind]?.const;
    return { required: [kind], ...(value !== undefined && { properties: { [kind]: { const: value } } }) };
  });
  // oxlint-disable-next-line unicorn/no-thenable -- a word of JSON Schema
  return { type: 'object', anyOf: kinds, allOf: alternatives.map((then, at) => ({ if: kinds[at] ?? {}, then })) };
}
