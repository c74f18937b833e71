import { PortkitError } from '../../base/errors.ts';
import { suggest } from '../../base/suggest.ts';

/** Processors an artifact is made for, as definitions and paths spell them. */
export const architectures = ['x86_64', 'aarch64'] as const;

/** What a microVM runs on. */
export const substrates = ['firecracker', 'cloud-hypervisor', 'avf'] as const;

/** How a microVM is protected. */
export const protectionModes = ['standard', 'pvm'] as const;

type Architecture = (typeof architectures)[number];

/** What tells the variants of one artifact apart. */
export interface Selector {
  readonly architecture: Architecture;
  readonly substrate: (typeof substrates)[number];
  readonly protection_mode: (typeof protectionModes)[number];
}

/** A selector as a command line gives it: the parts that were named. */
export interface SelectorWords {
  readonly architecture?: string | undefined;
  readonly substrate?: string | undefined;
  readonly protectionMode?: string | undefined;
}

/** Processors by the names that Node has for them. */
const native: Readonly<Record<string, Architecture>> = { x64: 'x86_64', arm64: 'aarch64' };

/**
 * The selector that a command line means (PK3902 when there is no such): `x86-64` is stored as `x86_64`, `native` is this
 * machine's architecture, and what is left out is `native`, `firecracker` and `standard`.
 */
export function parseSelector(words: SelectorWords, machine: string): Selector {
  const { architecture = 'native', substrate = 'firecracker', protectionMode = 'standard' } = words;
  return {
    architecture: parseArchitecture(architecture, machine),
    substrate: oneOf('--substrate', substrate, substrates),
    protection_mode: oneOf('--protection-mode', protectionMode, protectionModes),
  };
}

function parseArchitecture(word: string, machine: string): Architecture {
  if (word === 'x86_64') return word;
  const asked = oneOf('--architecture', word, ['native', 'x86-64', 'aarch64']);
  if (asked !== 'native') return asked === 'x86-64' ? 'x86_64' : asked;
  const found = Object.hasOwn(native, machine) ? native[machine] : undefined;
  if (found !== undefined) return found;
  throw new PortkitError('PK3902', `There are no artifacts for this machine (${machine})`, {
    hint: 'Name one with --architecture x86-64 or --architecture aarch64',
  });
}

function oneOf<T extends string>(option: string, word: string, values: readonly T[]): T {
  const found = values.find((value) => value === word);
  if (found !== undefined) return found;
  const near = suggest(word, values);
  throw new PortkitError('PK3902', `${option} ${JSON.stringify(word.slice(0, 100))} is not known`, {
    hint: near === undefined ? `It is one of: ${values.join(', ')}` : `Did you mean "${near}"?`,
  });
}

/** `x86_64/firecracker/pvm`. */
export function showSelector({ architecture, substrate, protection_mode: mode }: Selector): string {
  return `${architecture}/${substrate}/${mode}`;
}

/** Refuses (PK3904) what has no kernel, no VMM and no image anywhere yet. */
export function refuseResearchOnly(selector: Selector): void {
  const shown = showSelector(selector);
  if (shown !== 'aarch64/firecracker/pvm') return;
  throw new PortkitError('PK3904', `${shown} remains research-only and has no build pipeline yet`, {
    hint: 'Protected guests of Firecracker are made for x86_64: --architecture x86-64 --protection-mode pvm',
  });
}
