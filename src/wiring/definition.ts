import { existsSync, readdirSync, readFileSync, realpathSync, statSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { canonicalJson } from '../base/canonical.ts';
import { PortkitError } from '../base/errors.ts';
import { systemReason } from '../base/system-reason.ts';
import type { Definition, FrontendContext } from '../graph/frontend.ts';
import { linkProvenance } from '../graph/provenance.ts';
import { linkSources } from '../graph/sources.ts';

/** A definition as it was understood. */
export interface ReadDefinition extends Definition {
  /** What its paths are relative to. */
  readonly directory: string;
  /** Keeps what was understood for the next time; called when there is a store. */
  readonly keep: () => void;
}

/** Reads a definition: its graph, and the directory it speaks of. */
export async function readDefinition(
  file: string,
  how: { readonly root: string; readonly set: Readonly<Record<string, string>>; readonly signal: AbortSignal },
): Promise<ReadDefinition> {
  const { set, signal } = how;
  const directory = dirname(file);
  const isProgram = /\.m?ts$/.test(file);
  const isText = isProgram || file.endsWith('.toml');
  const text = readOr(file, isText ? 'utf8' : 'latin1', (cause) => {
    throw new PortkitError('PK1111', `The definition ${file} cannot be read: ${systemReason(cause)}`, {
      hint: 'Name one with --file',
      cause,
    });
  });
  const source = { text, path: relative(process.cwd(), file) || file };
  const context: FrontendContext = {
    set,
    signal,
    env: (name) => process.env[name],
    read: (path) => readBeside(directory, path),
  };
  const load = async (lent: FrontendContext): Promise<Definition> => {
    const { frontendFor } = await import('../../frontends/index.ts');
    return (await frontendFor(file)).load(source, lent);
  };
  // A program may look at anything: it is run each time.
  if (isProgram) return { ...told(await load(context)), directory, keep: () => undefined };
  const { understand } = await import('../engine/definition-cache.ts');
  const key = [codeVersion(), source.path, directory, text, canonicalJson(set)];
  const folder = join(how.root, 'v1', 'definitions');
  const { value, keep } = await understand({ folder, key, context, load });
  return { ...told(value), directory, keep };
}

/** Definitions cannot say what their provenance and sources are: they are found in their graphs. */
function told(definition: Definition): Definition {
  return { ...definition, graph: linkSources(linkProvenance(definition.graph)) };
}

/** What understands definitions: the version of the program, and when its files were last changed. */
function codeVersion(): string {
  const folders = [
    '../frontends/toml',
    '../frontends/toml/lower',
    '../frontends/toml/postprocess',
    '../frontends/toml/schema',
    './graph',
    './artifacts',
    './base',
  ];
  const files = folders.flatMap((folder) => {
    const url = new URL(`${folder}/`, import.meta.url);
    // In the bundle there are no such folders, and the one file stands for all.
    return existsSync(url) ? readdirSync(url).map((name) => new URL(name, url)) : [];
  });
  return JSON.stringify([new URL(import.meta.url), ...files].map((url) => [url.pathname, statSync(url).mtimeMs]));
}

/** A file of the definition's directory; one that only a symlink puts there is not read. */
function readBeside(directory: string, path: string): string | undefined {
  const file = join(directory, path);
  const real = existsSync(file) ? realpathSync(file) : file;
  if (!real.startsWith(`${realpathSync(directory)}/`)) return undefined;
  return readOr(file, 'utf8', () => undefined);
}

function readOr<T>(file: string, encoding: 'utf8' | 'latin1', otherwise: (cause: unknown) => T): string | T {
  try {
    return readFileSync(file, encoding);
  } catch (error) {
    return otherwise(error);
  }
}
