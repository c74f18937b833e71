import { statSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import type { Artifact } from '../../artifacts/model/artifact.ts';
import { findArtifact, findVariant } from '../../artifacts/model/choose.ts';
import { initrdName } from '../../artifacts/model/paths.ts';
import type { Chosen } from '../../artifacts/model/paths.ts';
import { parseSelector, refuseResearchOnly, showSelector } from '../../artifacts/model/selector.ts';
import type { Selector } from '../../artifacts/model/selector.ts';
import { PortkitError } from '../../base/errors.ts';
import type { Invocation } from '../command.ts';
import { listOption, textOption } from '../values.ts';
import { readChoice } from './choose.ts';

/** The files of variants that boot together, as absolute paths. */
export interface BootSet {
  readonly architecture: Selector['architecture'];
  readonly kernel: string;
  readonly rootfs: string;
  readonly initrd?: string;
}

/**
 * The kernel and guest image that `--artifact` names, as the variants of one selector; a guest image alone takes the one kernel
 * that has such a variant. PK3809 when a file of them has not been built or pulled.
 */
export async function bootSetOf(invocation: Invocation): Promise<BootSet> {
  const { options } = invocation;
  const words = {
    architecture: textOption(options, 'architecture'),
    substrate: textOption(options, 'substrate'),
    protectionMode: textOption(options, 'protection-mode'),
  };
  const selector = parseSelector(words, process.arch);
  refuseResearchOnly(selector);
  const { definition, project } = await readChoice(invocation);
  const { artifacts } = definition;
  const named = listOption(options, 'artifact').map((name) => findArtifact(artifacts, name));
  const guest = findVariant(oneOf(named, 'guest-image') ?? noGuest(artifacts), selector);
  const kernel = findVariant(oneOf(named, 'kernel') ?? onlyKernel(artifacts, selector), selector);
  const rootfs = fileOf(guest, resolve(project, guest.variant.path));
  const beside = join(dirname(rootfs), initrdName);
  const hasInitrd = guest.variant.build?.initrd !== undefined || isFile(beside);
  return {
    architecture: selector.architecture,
    kernel: fileOf(kernel, resolve(project, kernel.variant.path)),
    rootfs,
    ...(hasInitrd && { initrd: fileOf(guest, beside) }),
  };
}

function oneOf(named: readonly Artifact[], wanted: Artifact['kind']): Artifact | undefined {
  const [first, second] = named.filter(({ kind }) => kind === wanted);
  if (second === undefined) return first;
  throw new PortkitError('PK1004', `A machine boots one ${wanted}, not ${first?.name ?? ''} and ${second.name}`, {
    hint: 'Name one kernel and one guest image',
  });
}

function noGuest(artifacts: readonly Artifact[]): never {
  const names = artifacts.filter(({ kind }) => kind === 'guest-image').map(({ name }) => name);
  throw new PortkitError('PK3806', 'There is nothing to boot into: no guest image is named', {
    hint: names.length === 0 ? 'The definition has none' : `Add --artifact ${names.join(' or --artifact ')}`,
  });
}

function onlyKernel(artifacts: readonly Artifact[], selector: Selector): Artifact {
  const wanted = showSelector(selector);
  const kernels = artifacts.filter(
    ({ kind, variants }) => kind === 'kernel' && variants.some((variant) => showSelector(variant.selector) === wanted),
  );
  const [only, second] = kernels;
  if (only !== undefined && second === undefined) return only;
  throw new PortkitError('PK3806', `There is not one kernel for ${wanted}, but ${kernels.length}`, {
    hint:
      only === undefined
        ? 'Boot files with --kernel and --rootfs'
        : `Add --artifact ${kernels.map(({ name }) => name).join(' or --artifact ')}`,
  });
}

function fileOf({ artifact, variant }: Chosen, path: string): string {
  if (isFile(path)) return path;
  const { architecture, substrate, protection_mode: mode } = variant.selector;
  const words = `--artifact ${artifact.name} --architecture ${architecture.replace('_', '-')} --substrate ${substrate} --protection-mode ${mode}`;
  const verbs = [variant.build === undefined ? [] : 'build', artifact.pull === undefined ? [] : 'pull'].flat();
  throw new PortkitError('PK3809', `The ${artifact.kind} artifact '${artifact.name}' is not at ${path}`, {
    hint:
      verbs.length === 0
        ? 'It has no step that builds it and no store to pull it from: put the file there'
        : `Run ${verbs.map((verb) => `portkit artifacts ${verb} ${words}`).join(' or ')}`,
  });
}

function isFile(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isFile() === true;
}
