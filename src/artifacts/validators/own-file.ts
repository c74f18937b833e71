import { factsOf } from '../copies/read.ts';
import { filesOf } from '../model/paths.ts';
import { showSelector } from '../model/selector.ts';
import type { Validator } from '../workflow/validator.ts';
import { localPlace } from '../workflow/workplace.ts';
import { fault } from './fault.ts';

/** A variant for pvm is never the standard one under another name. */
export function ownFileValidator(project: string): Validator {
  return {
    async check({ chosen: { artifact, variant }, file, digest }, signal) {
      const { selector, path } = variant;
      if (selector.protection_mode === 'standard' || file.path !== path) return [];
      const standard = artifact.variants.find(
        ({ selector: other }) => showSelector(other) === showSelector({ ...selector, protection_mode: 'standard' }),
      );
      const [theirs] = standard === undefined ? [] : filesOf(standard);
      const facts = theirs && (await factsOf(localPlace(theirs, { project }), signal));
      if (theirs === undefined || facts?.digest !== digest) return [];
      return [fault('own-file', `it is the same file as the standard one, ${theirs.path}`)];
    },
  };
}
