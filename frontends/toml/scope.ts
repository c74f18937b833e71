import type { FrontendContext } from '../../src/graph/frontend.ts';
import type { Finding } from './findings.ts';
import type { Tables } from './tables.ts';
import type { Scope } from './variables.ts';
import { expand, known, mostExpanded } from './variables.ts';
import { quote, showPath } from './words.ts';

/** The variables of a definition with their values; one may use those that are written above it. */
export function scopeOf(
  tables: Tables,
  context: FrontendContext,
  file: string,
): { readonly scope: Scope; readonly findings: readonly Finding[] } {
  const findings: Finding[] = [];
  const environment = new Map(
    [...tables.environment].map((name) => [name, typeof name === 'string' ? context.env(name) : undefined]),
  );
  const variables = new Map<string, string>();
  const scope: Scope = { variables, environment, cell: new Map(), budget: { left: mostExpanded } };
  for (const { name, value, place } of tables.variables.values()) {
    const set = Object.hasOwn(context.set, name) ? context.set[name] : undefined;
    const text = expand(set === undefined && typeof value === 'string' ? value : '', scope, ({ message, ...rest }) =>
      findings.push({ ...rest, message: `${showPath(place.path)}: ${message}`, place: { ...place, at: 'value' } }),
    );
    variables.set(name, set ?? text);
  }
  for (const name of Object.keys(context.set)) {
    if (tables.variables.has(name)) continue;
    const message = `--set ${name}: there is no variable ${quote(name)}`;
    findings.push({
      code: 'PK1107',
      message,
      hint: known('variables', variables.keys(), name),
      place: { file, line: 1, column: 1 },
    });
  }
  return { scope, findings };
}
