import { statSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { PortkitError } from '../base/errors.ts';
import type { Graph } from '../graph/graph.ts';
import { targetOf } from '../graph/target.ts';
import { readDefinition } from '../wiring.ts';
import type { ReadDefinition } from '../wiring.ts';
import type { Invocation, Option } from './command.ts';
import { storeRoot } from './context.ts';
import { pairsOption, textOption } from './values.ts';

/** The options of every command that reads a definition. */
export const definitionOptions: Readonly<Record<string, Option>> = {
  file: {
    type: 'string',
    short: 'f',
    value: 'F',
    help: 'the definition (default: portkit.toml or portkit.ts, from here upwards)',
  },
  project: { type: 'string', value: 'DIR', help: 'how far up local paths may lead (default: the folder of the definition)' },
  set: { type: 'string', value: 'NAME=VALUE', multiple: true, help: 'give a variable of the definition another value' },
};

/** A definition that was read. */
export interface Definition extends ReadDefinition {
  /** Its absolute path. */
  readonly file: string;
}

/** Reads the definition of a command line. */
export async function loadDefinition({ options, signal }: Pick<Invocation, 'options' | 'signal'>): Promise<Definition> {
  const file = findDefinitionFile(options);
  const root = storeRoot(options['root']);
  return { file, ...(await readDefinition(file, { root, set: pairsOption(options, 'set'), signal })) };
}

/** Where local paths may lead: below the folder that a command line names, which has to be above the definition. */
export function boundsOf({ directory }: Definition, options: Invocation['options']): { readonly outermost?: string } {
  const given = textOption(options, 'project');
  if (given === undefined) return {};
  const outermost = resolve(given);
  if (isAbove(outermost, directory)) return { outermost };
  throw new PortkitError('PK1004', `--project ${given} is not above the definition in ${directory}`);
}

/** Whether a folder is the other one, or above it. */
export function isAbove(folder: string, other: string): boolean {
  return other === folder || other.startsWith(folder === '/' ? '/' : `${folder}/`);
}

/** The path of the definition of a command line. */
export function findDefinitionFile(options: Invocation['options']): string {
  const given = textOption(options, 'file') ?? textOption(options, 'config');
  return given === undefined ? findDefinition(process.cwd()) : resolve(given);
}

const names = ['portkit.toml', 'portkit.ts'];

function findDefinition(from: string): string {
  for (let directory = from; ; directory = dirname(directory)) {
    const found = names.map((name) => join(directory, name)).find((file) => statSync(file, { throwIfNoEntry: false })?.isFile());
    if (found !== undefined) return found;
    if (directory === dirname(directory)) break;
  }
  throw new PortkitError('PK1111', `There is no portkit.toml in ${from} or above it`, { hint: 'Name a definition with --file' });
}

/** The targets of a command line: its words, or all that the definition names; PK3002 for a word that is none. */
export function targetsOf(graph: Graph, words: readonly string[]): readonly string[] {
  for (const word of words) targetOf(graph, word);
  return words.length === 0 ? Object.keys(graph.targets) : [...new Set(words)];
}
