import type { Digest } from '../../base/digest.ts';
import { onFile } from '../copies/failure.ts';
import { findFile, showPlace } from '../copies/folder.ts';
import { factsOf } from '../copies/read.ts';
import { examine } from '../copies/sealed.ts';
import { filesOf } from '../model/paths.ts';
import type { Chosen, VariantFile } from '../model/paths.ts';
import { storeOf } from './inspect.ts';
import type { Fault, Validator } from './validator.ts';
import { cachePlace, localPlace, shownIn } from './workplace.ts';
import type { Workplace } from './workplace.ts';

/** One thing that is wrong with a variant, and the file that it is wrong with. */
interface Finding extends Fault {
  readonly path: string;
}

/** What validating found; the variant is right when there are no findings. */
export interface Validated {
  readonly findings: readonly Finding[];
  readonly files: readonly { readonly name: string; readonly path: string; readonly digest: Digest; readonly size: number }[];
}

/** Checks a variant at its canonical path, and that its copies in store and cache are not damaged. */
export async function validate(chosen: Chosen, validators: readonly Validator[], workplace: Workplace): Promise<Validated> {
  const { project, signal } = workplace;
  const findings: Finding[] = [];
  const files: Validated['files'][number][] = [];
  for (const file of filesOf(chosen.variant)) {
    const place = localPlace(file, workplace);
    const shown = shownIn(project, place);
    const found = (check: string, message: string): unknown => findings.push({ check, path: shown, message });
    const facts = await onFile('read', showPlace(place), () => factsOf(place, signal));
    const path = findFile(place);
    if (facts === undefined || path === undefined) found('present', `${chosen.artifact.kind} artifact is not there: ${shown}`);
    else if (facts.size === 0) found('not-empty', `${chosen.artifact.kind} artifact is empty: ${shown}`);
    else {
      files.push({ name: file.name, path: shown, ...facts });
      for (const validator of validators) {
        const faults = await validator.check({ chosen, file, path, ...facts }, signal);
        for (const { check, message } of faults) found(check, message);
      }
    }
    findings.push(...(await damagedCopies(chosen, file, workplace)));
  }
  return { findings, files };
}

async function damagedCopies(chosen: Chosen, file: VariantFile, workplace: Workplace): Promise<readonly Finding[]> {
  const { project, signal } = workplace;
  const cache = cachePlace(chosen, file, workplace);
  // What is on another machine is not asked for each validation.
  const store = storeOf(chosen, ['file-system'], workplace);
  const looked = [
    { check: 'cache', path: shownIn(project, cache), examined: await examine(cache, signal) },
    ...(store === undefined
      ? []
      : [
          {
            check: 'store',
            path: shownIn(project, store.placeOf(chosen, file.name)),
            examined: await store.examine(chosen, file.name, signal),
          },
        ]),
  ];
  return looked.flatMap(({ check, path, examined }) =>
    examined.state === 'damaged' ? [{ check, path, message: `${path} is damaged: ${examined.why}` }] : [],
  );
}

/** Compares files with what their steps make, as far as that is known without building. */
export function builtBy(expected: (file: VariantFile) => Promise<Digest | undefined>): Validator {
  return {
    async check({ file, digest }) {
      const made = await expected(file);
      if (made === undefined || made === digest) return [];
      return [{ check: 'digest', message: `sha256 mismatch with the step "${file.step}": expected ${made}, got ${digest}` }];
    },
  };
}
