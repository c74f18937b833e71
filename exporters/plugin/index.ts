import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { isAbsolute, join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Exporter } from '../../src/artifacts/exporter.ts';
import { PortkitError, systemCode } from '../../src/base/errors.ts';
import { provideApi } from '../../src/base/own-api.ts';
import { coded, guarded } from './guarded.ts';

/** What an output by a plugin is to be. */
export interface PluginOutput {
  /** A file, beginning with `.` or `/`, or the name of a package. */
  readonly from: string;
  readonly target: readonly string[];
  /** Everything else that stands in the `--output`. */
  readonly options: Readonly<Record<string, string>>;
}

/** What the function `createExporter` of a plugin is given. */
export interface PluginOptions {
  readonly options: Readonly<Record<string, string>>;
  /** The names of the targets that are meant; empty when all are. */
  readonly target: readonly string[];
  /** What relative paths are relative to. */
  readonly directory: string;
}

/**
 * Loads an exporter that somebody else wrote: a module with a function `createExporter`. It is a program of the user, named
 * on the command line and never by a definition, and runs with the user's rights.
 */
export async function pluginExporter(output: PluginOutput, { directory }: { readonly directory: string }): Promise<Exporter> {
  const module = await load(output.from, directory);
  if (typeof module['createExporter'] !== 'function') {
    throw refused(output.from, 'it has no function "createExporter"', {
      hint: 'Export it by that name; docs/exporters.md has an example',
    });
  }
  let made: unknown;
  try {
    made = await module['createExporter']({ options: output.options, target: output.target, directory });
  } catch (error) {
    throw coded(error, output.from);
  }
  if (isExporter(made)) return guarded(made, output.from);
  throw refused(output.from, '"createExporter" gave no exporter', { hint: 'An exporter has the functions check and prepare' });
}

const hint = 'Name a file (./my-exporter.ts), or a package that is installed where portkit is run';

async function load(from: string, directory: string): Promise<Record<string, unknown>> {
  const isFile = from.startsWith('.') || isAbsolute(from);
  const path = isFile ? resolve(directory, from) : resolvePackage(from, directory);
  if (!existsSync(path)) throw refused(from, 'there is no such file', { hint });
  using _ = provideApi();
  try {
    return await import(pathToFileURL(path).href);
  } catch (error) {
    throw refused(from, error instanceof Error ? error.message : String(error), { hint, cause: error });
  }
}

/** As a file in the directory would import it. */
function resolvePackage(name: string, directory: string): string {
  try {
    return createRequire(join(directory, 'portkit')).resolve(name);
  } catch (cause) {
    if (systemCode(cause) !== 'MODULE_NOT_FOUND') throw cause;
    throw refused(name, `no package of this name is installed in ${directory} or above it`, { hint });
  }
}

function isExporter(value: unknown): value is Exporter {
  if (typeof value !== 'object' || value === null) return false;
  const { check, prepare } = value as Partial<Record<'check' | 'prepare', unknown>>;
  return typeof check === 'function' && typeof prepare === 'function';
}

function refused(from: string, why: string, more: { readonly hint: string; readonly cause?: unknown }): PortkitError {
  return new PortkitError('PK3407', `The exporter ${JSON.stringify(from)} cannot be used: ${why}`, more);
}
