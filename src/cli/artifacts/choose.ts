import { dirname } from 'node:path';
import { everyVariant, findArtifact, findVariant } from '../../artifacts/model/choose.ts';
import type { Chosen } from '../../artifacts/model/paths.ts';
import { parseSelector, refuseResearchOnly } from '../../artifacts/model/selector.ts';
import { PortkitError } from '../../base/errors.ts';
import type { Invocation, Option } from '../command.ts';
import { findDefinitionFile, loadDefinition } from '../definition.ts';
import type { Definition } from '../definition.ts';
import { flag, textOption } from '../values.ts';

/** The options that say which artifacts are meant. */
export const chooseOptions = {
  config: {
    type: 'string',
    short: 'c',
    value: 'FILE',
    help: 'the definition (default: portkit.toml or portkit.ts, from here upwards); may stand before the command',
  },
  set: { type: 'string', value: 'NAME=VALUE', multiple: true, help: 'give a variable of the definition another value' },
  artifact: { type: 'string', value: 'NAME', help: 'its name, or its reference registry/repository:version' },
  json: { type: 'boolean', help: 'print the result as JSON' },
} as const satisfies Readonly<Record<string, Option>>;

/** The options that say which of its variants are meant. */
export const selectorOptions = {
  architecture: { type: 'string', value: 'A', help: 'native (default), x86-64 or aarch64' },
  substrate: { type: 'string', value: 'S', help: 'firecracker (default), cloud-hypervisor or avf' },
  'protection-mode': { type: 'string', value: 'M', help: 'standard (default) or pvm' },
  all: { type: 'boolean', help: 'every variant: of the artifact, or of all artifacts' },
} as const satisfies Readonly<Record<string, Option>>;

/** What a command line is about. */
export interface Choice {
  readonly definition: Definition;
  /** What canonical paths, cache roots and store roots are relative to. */
  readonly project: string;
}

/** Reads the definition. Paths start where portkit is run when the definition was named, else beside the one that was found. */
export async function readChoice(invocation: Invocation): Promise<Choice> {
  const named = textOption(invocation.options, 'config') !== undefined;
  const project = named ? process.cwd() : dirname(findDefinitionFile(invocation.options));
  return { definition: await loadDefinition(invocation), project };
}

/** The variants that a command line means; what cannot be meant is refused before the definition is read. */
export async function chooseVariants(invocation: Invocation): Promise<Choice & { readonly chosen: readonly Chosen[] }> {
  const { options } = invocation;
  const name = textOption(options, 'artifact');
  const words = {
    architecture: textOption(options, 'architecture'),
    substrate: textOption(options, 'substrate'),
    protectionMode: textOption(options, 'protection-mode'),
  };
  const all = flag(options, 'all');
  if (all && Object.values(words).some((word) => word !== undefined)) {
    throw new PortkitError('PK1004', '--all does not go together with a selector', { hint: 'Leave one of them out' });
  }
  if (!all && name === undefined) {
    throw new PortkitError('PK1001', 'No artifact is named', {
      hint: 'Give --artifact NAME, or --all; "portkit artifacts list" shows what there is',
    });
  }
  const selector = all ? undefined : parseSelector(words, process.arch);
  if (selector !== undefined) refuseResearchOnly(selector);
  const choice = await readChoice(invocation);
  const { artifacts } = choice.definition;
  const named = name === undefined ? artifacts : [findArtifact(artifacts, name)];
  const chosen = selector === undefined ? everyVariant(named) : named.map((artifact) => findVariant(artifact, selector));
  return { ...choice, chosen };
}
