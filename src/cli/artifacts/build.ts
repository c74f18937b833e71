import { availableParallelism } from 'node:os';
import { deliver, stepsOf } from '../../artifacts/workflow/deliver.ts';
import type { Done } from '../../artifacts/workflow/workplace.ts';
import { openStoreAt } from '../../wiring.ts';
import type { Invocation } from '../command.ts';
import { storeRoot } from '../context.ts';
import { gatherFailedCodes } from '../failed-codes.ts';
import { countOption, flag } from '../values.ts';
import { faceOf } from '../watch.ts';
import { chooseVariants } from './choose.ts';
import { resultsOf, solveSteps } from './results.ts';
import { printOutcomes, showDone } from './show.ts';
import type { Outcome } from './show.ts';
import { workplaceFor } from './workplace.ts';

/** `portkit artifacts build`: makes variants and writes them to their paths. */
export async function buildVariants(invocation: Invocation): Promise<number> {
  const { options } = invocation;
  const jobs = countOption(options, 'jobs') ?? availableParallelism();
  const { definition, project, chosen } = await chooseVariants(invocation);
  const steps = [...new Set(chosen.flatMap(stepsOf))];
  const face = faceOf(invocation);
  const failed = gatherFailedCodes();
  using faced = new DisposableStack();
  faced.defer(() => face.end());
  await using store = openStoreAt(storeRoot(options['root']));
  definition.keep();
  using result = await solveSteps(invocation, {
    definition,
    project,
    steps,
    store,
    mode: 'build',
    jobs,
    warn: (message) => face.warn(message),
    emit(event) {
      failed.take(event);
      face.take(event);
    },
  });
  faced.dispose();
  if (!result.ok) return failed.exitStatus();
  result.hold();
  using workplace = await workplaceFor(project, invocation);
  const done: Outcome<Done>[] = [];
  for (const one of chosen) {
    done.push({ chosen: one, result: await deliver(one, resultsOf(result, store), workplace) });
  }
  const digestsOnly = ({ result }: Outcome<Done>): string => result.files.map(({ digest }) => digest).join('\n');
  printOutcomes(invocation, done, flag(options, 'quiet') ? digestsOnly : (outcome) => showDone('built', outcome));
  return 0;
}
