import type { Document, Finding, Path } from './findings.ts';
import type { Definition } from './schema/definition.ts';
import type { PlannedStep } from './plan.ts';
import { known } from './variables.ts';
import { quote, showPath } from './words.ts';

/** Variants of artifacts that are built by steps which are not there. The documents have passed the schema. */
export function missingBuilds(documents: readonly Document[], steps: ReadonlyMap<string, PlannedStep>): readonly Finding[] {
  return documents.flatMap((document) =>
    buildsOf(document.value).flatMap(({ step, path }): readonly Finding[] => {
      if (steps.has(step)) return [];
      const message = `${showPath(path)}: there is no step ${quote(step)}`;
      return [{ code: 'PK1104', message, hint: known('steps', steps.keys(), step), place: { document, path, at: 'value' } }];
    }),
  );
}

function buildsOf({ artifacts = {} }: Definition): readonly { readonly step: string; readonly path: Path }[] {
  const kinds = [
    ['kernels', artifacts.kernels],
    ['guest_images', artifacts.guest_images],
  ] as const;
  return kinds.flatMap(([kind, named]) =>
    Object.entries(named ?? {}).flatMap(([name, { variants = [] }]) =>
      variants.flatMap(({ build = {} }, at) =>
        Object.entries(build).map(([key, step]) => ({ step, path: ['artifacts', kind, name, 'variants', at, 'build', key] })),
      ),
    ),
  );
}
