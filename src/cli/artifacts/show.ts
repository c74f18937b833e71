import type { Chosen } from '../../artifacts/model/paths.ts';
import { showReference } from '../../artifacts/model/reference.ts';
import { showSelector } from '../../artifacts/model/selector.ts';
import type { Inspected } from '../../artifacts/workflow/inspect.ts';
import type { Validated } from '../../artifacts/workflow/validate.ts';
import type { Done, Moved } from '../../artifacts/workflow/workplace.ts';
import { showSize } from '../../base/units.ts';
import type { Invocation } from '../command.ts';
import { flag } from '../values.ts';

/** What was done with one variant, or found of it. */
export interface Outcome<T> {
  readonly chosen: Chosen;
  readonly result: T;
}

/** Prints outcomes: as JSON with all that is known, or as text. */
export function printOutcomes<T extends object>(
  { options, words, print }: Invocation,
  outcomes: readonly Outcome<T>[],
  show: (outcome: Outcome<T>) => string,
): void {
  if (!flag(options, 'json')) {
    if (outcomes.length > 0) print(outcomes.map(show).join('\n'));
    return;
  }
  const artifacts = outcomes.map(({ chosen, result }) => ({ ...identity(chosen), ...result }));
  print(JSON.stringify({ version: 1, verb: words[0], artifacts }, null, 2));
}

/** What a variant is, for programs. */
function identity({ artifact, variant }: Chosen) {
  const { kind, name, reference } = artifact;
  return { kind, name, reference: showReference(reference), selector: variant.selector };
}

/** `kernel artifact 'demo-kernel' for x86_64/firecracker/pvm`. */
function title({ artifact, variant }: Chosen): string {
  return `${artifact.kind} artifact '${artifact.name}' for ${showSelector(variant.selector)}`;
}

/** What was built, pushed or pulled, in Port's words: reference and every path that was touched. */
export function showDone(verb: string, { chosen, result }: Outcome<Done>): string {
  return [
    `${verb} ${title(chosen)}`,
    ...(result.backend === undefined ? [] : [`  backend: ${result.backend}`]),
    `  reference: ${showReference(chosen.artifact.reference)}`,
    ...result.files.flatMap(showMoved),
  ].join('\n');
}

function showMoved({ local, store, cache, digest, size, verified, unchanged }: Moved): readonly string[] {
  return [
    `  local path: ${local}${unchanged === true ? ' (unchanged)' : ''}`,
    ...(store === undefined ? [] : [`  store path: ${store}`]),
    ...(cache === undefined ? [] : [`  cache path: ${cache}`]),
    `  digest: ${digest} (${showSize(size)})`,
    ...(verified === false ? ['  warning: the store has no digest of it, so it could not be verified'] : []),
  ];
}

/** What validating found. */
export function showValidated({ chosen, result: { files, findings } }: Outcome<Validated>): string {
  return [
    findings.length === 0 ? `validated ${title(chosen)}` : `${title(chosen)} is not valid:`,
    ...findings.map(({ check, message }) => `  ${check}: ${message}`),
    ...files.flatMap(({ path, digest, size }) => [`  local path: ${path}`, `  digest: ${digest} (${showSize(size)})`]),
  ].join('\n');
}

/** Where a variant is, and whether it is whole there. */
export function showInspected({ chosen, result }: Outcome<{ readonly files: readonly Inspected[] }>): string {
  return [
    title(chosen),
    `  reference: ${showReference(chosen.artifact.reference)}`,
    ...result.files.flatMap(({ local, store, cache }) => [
      `  local path: ${local.path}: ${showState(local)}`,
      ...(store === undefined ? [] : [`  store path: ${store.path}: ${showState(store)}`]),
      `  cache path: ${cache.path}: ${showState(cache)}`,
    ]),
  ].join('\n');
}

function showState(place: Inspected['local'] | Inspected['cache']): string {
  if (place.state === 'absent') return 'absent';
  const facts = `${place.digest} (${showSize(place.size)})`;
  if (place.state === 'damaged') return `DAMAGED: ${place.why}`;
  return place.state === 'unsealed' ? `${facts}, nothing to verify it by` : facts;
}
