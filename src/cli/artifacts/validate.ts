import { availableParallelism } from 'node:os';
import { filesOf } from '../../artifacts/model/paths.ts';
import type { Chosen, VariantFile } from '../../artifacts/model/paths.ts';
import { resultFile } from '../../artifacts/workflow/result-file.ts';
import { builtBy, validate } from '../../artifacts/workflow/validate.ts';
import type { Validated } from '../../artifacts/workflow/validate.ts';
import { isDigest } from '../../base/digest.ts';
import type { Digest } from '../../base/digest.ts';
import { judgesPath, openStoreAt, validatorsIn } from '../../wiring.ts';
import type { Invocation } from '../command.ts';
import { storeRoot } from '../context.ts';
import { findProgram } from '../../base/find-program.ts';
import { chooseVariants } from './choose.ts';
import type { Choice } from './choose.ts';
import { namedSteps, solveSteps } from './results.ts';
import { printOutcomes, showValidated } from './show.ts';
import type { Outcome } from './show.ts';
import { workplaceFor } from './workplace.ts';

/** `portkit artifacts validate`: everything that is wrong with variants; exit 7 when something is. */
export async function validateVariants(invocation: Invocation): Promise<number> {
  const { definition, project, chosen } = await chooseVariants(invocation);
  using workplace = await workplaceFor(project, invocation);
  const made = await knownDigests(invocation, { definition, project, chosen });
  const validators = [builtBy((file) => Promise.resolve(made.get(file.path))), ...(await validatorsIn(project))];
  const outcomes: Outcome<Validated>[] = [];
  for (const one of chosen) outcomes.push({ chosen: one, result: await validate(one, validators, workplace) });
  printOutcomes(invocation, outcomes, showValidated);
  for (const { path } of outcomes.flatMap(({ result }) => result.files)) {
    if (!made.has(path)) invocation.note(`note: ${path}: no result of a step is known here that it could be compared with`);
  }
  const isImage = chosen.some(({ artifact }) => artifact.kind === 'guest-image');
  for (const judge of isImage ? ['e2fsck', 'debugfs'] : []) {
    if (findProgram(judge, judgesPath()) === undefined)
      invocation.note(`note: ${judge} is not installed: only portkit itself looked at the guest images`);
  }
  return outcomes.some(({ result }) => result.findings.length > 0) ? 7 : 0;
}

/** What the steps of variants make, by the paths of the files: what is pinned, and what is known without running anything. */
async function knownDigests(
  invocation: Invocation,
  { definition, project, chosen }: Choice & { readonly chosen: readonly Chosen[] },
): Promise<ReadonlyMap<VariantFile['path'], Digest>> {
  const made = new Map<string, Digest>();
  const steps = namedSteps(chosen);
  if (steps.length === 0) return made;
  const ops = new Map(definition.graph.vertices.map(({ name, op }) => [name, op]));
  await using store = openStoreAt(storeRoot(invocation.options['root']));
  const jobs = availableParallelism();
  const warn = (message: string): void => invocation.note(`warning: ${message}`);
  using plan = await solveSteps(invocation, { definition, project, steps, store, mode: 'plan', jobs, warn, emit: () => {} });
  const access = { blobs: store.blobs, signal: invocation.signal };
  for (const { path, name, step } of chosen.flatMap(({ variant }) => filesOf(variant))) {
    if (step === undefined) continue;
    const ref = plan.targets[step];
    const op = ops.get(step);
    const pinned = op?.type === 'fetch' && op.digest !== undefined && isDigest(op.digest) ? op.digest : undefined;
    const digest = pinned ?? (ref && (await resultFile({ step, ref }, name, access)).content);
    if (digest !== undefined) made.set(path, digest);
  }
  return made;
}
