import { availableParallelism } from 'node:os';
import { filesOf } from '../../artifacts/model/paths.ts';
import type { Chosen, VariantFile } from '../../artifacts/model/paths.ts';
import { resultFile } from '../../artifacts/workflow/result-file.ts';
import { builtBy, validate } from '../../artifacts/workflow/validate.ts';
import type { Validated } from '../../artifacts/workflow/validate.ts';
import type { Digest } from '../../base/digest.ts';
import { openStoreAt, workplaceOf } from '../../wiring.ts';
import type { Invocation } from '../command.ts';
import { storeRoot } from '../context.ts';
import type { Definition } from '../definition.ts';
import { chooseVariants } from './choose.ts';
import { namedSteps, solveSteps } from './results.ts';
import { printOutcomes, showValidated } from './show.ts';
import type { Outcome } from './show.ts';

/** `portkit artifacts validate`: everything that is wrong with variants; exit 7 when something is. */
export async function validateVariants(invocation: Invocation): Promise<number> {
  const { definition, project, chosen } = await chooseVariants(invocation);
  using workplace = await workplaceOf(project, invocation.signal);
  const made = await knownDigests(invocation, { definition, chosen });
  const validators = [builtBy((file) => Promise.resolve(made.get(file.path)))];
  const outcomes: Outcome<Validated>[] = [];
  for (const one of chosen) outcomes.push({ chosen: one, result: await validate(one, validators, workplace) });
  printOutcomes(invocation, outcomes, showValidated);
  for (const { path } of outcomes.flatMap(({ result }) => result.files)) {
    if (!made.has(path)) invocation.note(`note: ${path}: no result of a step is known here that it could be compared with`);
  }
  return outcomes.some(({ result }) => result.findings.length > 0) ? 7 : 0;
}

/** What the steps of variants make, by the paths of the files; only what is known without running anything. */
async function knownDigests(
  invocation: Invocation,
  { definition, chosen }: { readonly definition: Definition; readonly chosen: readonly Chosen[] },
): Promise<ReadonlyMap<VariantFile['path'], Digest>> {
  const made = new Map<string, Digest>();
  const steps = namedSteps(chosen);
  if (steps.length === 0) return made;
  await using store = openStoreAt(storeRoot(invocation.options['root']));
  const jobs = availableParallelism();
  using plan = await solveSteps(invocation, { definition, steps, store, mode: 'plan', jobs, emit: () => {} });
  const access = { blobs: store.blobs, signal: invocation.signal };
  for (const { path, name, step } of chosen.flatMap(({ variant }) => filesOf(variant))) {
    const ref = step === undefined ? undefined : plan.targets[step];
    if (step !== undefined && ref !== undefined) made.set(path, (await resultFile({ step, ref }, name, access)).content);
  }
  return made;
}
