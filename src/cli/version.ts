import { readFileSync } from 'node:fs';

/** Set by the bundler; from source the version stands in package.json. */
declare const PORTKIT_VERSION: string | undefined;

/** This portkit's version. */
export function version(): string {
  if (typeof PORTKIT_VERSION === 'string') return PORTKIT_VERSION;
  const text = readFileSync(new URL('../../package.json', import.meta.url), 'utf8');
  return /"version": "([^"]+)"/.exec(text)?.[1] ?? 'unknown';
}
