import type { Target } from '../../src/artifacts/exporter.ts';
import { PortkitError } from '../../src/base/errors.ts';
import { suggest } from '../../src/base/suggest.ts';

/** Refuses (PK3403) names that are not among the targets of a build. */
export function checkNames(wanted: readonly string[], there: readonly string[]): void {
  for (const name of wanted) {
    if (there.includes(name)) continue;
    const near = suggest(name, there);
    throw new PortkitError('PK3403', `The output names the target ${JSON.stringify(name)}, which this build does not make`, {
      hint:
        near === undefined
          ? `It makes ${there.slice(0, 20).join(', ')}: name others with portkit build NAME…`
          : `Did you mean ${JSON.stringify(near)}?`,
    });
  }
}

/** The targets of these names, or all of them when there are no names. */
export function chooseTargets(wanted: readonly string[], targets: readonly Target[]): readonly Target[] {
  const names = targets.map(({ name }) => name);
  checkNames(wanted, names);
  return wanted.length === 0 ? targets : targets.filter(({ name }) => wanted.includes(name));
}
