import type { Frontend } from '../src/graph/frontend.ts';

/** The frontend for a definition, by the end of its name; its file is read when it is needed. */
export async function frontendFor(file: string): Promise<Frontend> {
  if (file.endsWith('.toml')) return (await import('./toml/index.ts')).toml;
  if (file.endsWith('.ts') || file.endsWith('.mts')) return (await import('./typescript/index.ts')).typescript;
  return (await import('./graph/index.ts')).binary;
}

/** The JSON Schema of `portkit.toml`. */
export async function definitionSchema(): Promise<object> {
  return (await import('../portkit.schema.json', { with: { type: 'json' } })).default;
}
