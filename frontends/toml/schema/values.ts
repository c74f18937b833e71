import { z } from 'zod';
import { architectures, protectionModes, substrates } from '../../../src/artifacts/model/selector.ts';

/**
 * The values that tables are made of. Where a form is asked for, text with a variable in it passes: it is checked once the
 * variables are known. Nothing here changes a value, so that the JSON Schema says exactly as much.
 */

/** Text of one form, or with variables. */
function formed(form: string, what: string): z.ZodString {
  return z.string().regex(new RegExp(String.raw`^(?:${form})$|\$\{`), { error: `expected ${what}` });
}

/** Any text. */
export const text = z.string();

/** Text that says something. */
export const filled = z.string().min(1, { error: 'expected text that is not empty' });

/** The name of a step, a target, an input, a variable, an artifact … */
export const name = z.string().regex(/^[A-Za-z0-9_][A-Za-z0-9_.+-]{0,99}$/, {
  error: 'expected a name of letters, digits and _ . + - (at most 100)',
});

/** The name of a step where it may have variables in it. */
export const stepName = formed('[A-Za-z0-9_][A-Za-z0-9_.+-]{0,99}', 'the name of a step');

/** Bytes: `"512MiB"`, `"10GB"` or a number. */
export const size = z.union([
  formed('[0-9]{1,15}(?:\\.[0-9]{1,3})?(?:B|[KMGT]i?B)?', 'a size such as "512MiB"'),
  z.int().min(0, { error: 'expected 0 or more' }),
]);

/** A share: `"10%"`. */
export const percent = formed('[0-9]{1,4}%', 'a share such as "10%"');

/** A span of time: `"30s"`, `"1.5h"`. */
export const duration = formed('[0-9]{1,15}(?:\\.[0-9]{1,3})?[smhdw]', 'a duration such as "30s"');

/** The result of another step, or a directory beside the definition. */
export const reference = formed('(?:step|local):.+', '"step:NAME" or "local:PATH"');

/** An octal mode: `"0755"`. */
export const mode = formed('0?[0-7]{3}|[0-7]{4}', 'an octal mode such as "0755"');

/** SHA-256 as 64 hex digits. */
export const sha256 = formed('[0-9a-f]{64}', '64 lower-case hex digits');

/** SHA-512 as 128 hex digits. */
export const sha512 = formed('[0-9a-f]{128}', '128 lower-case hex digits');

/** A count, or the number of a user or device. */
export const natural = z.int().min(0, { error: 'expected 0 or more' });

/** Processors an artifact is made for. */
export const architecture = z.enum(architectures);

/** What a microVM runs on. */
export const substrate = z.enum(substrates);

/** How a microVM is protected. */
export const protectionMode = z.enum(protectionModes);
