import type { KernelSource } from '../../kernels/inspect/open.ts';
import { inspectKernel } from '../../kernels/inspect/inspect.ts';
import { fitsOf } from '../../kernels/lanes.ts';
import type { Selector } from '../model/selector.ts';
import { showSelector } from '../model/selector.ts';
import type { Fault, Validator } from '../workflow/validator.ts';
import { fault, orRefused } from './fault.ts';

/** Kernels: the machine and the kind of file that their substrate starts, and PVM_GUEST for pvm. */
export function kernelValidator(open: (path: string) => Promise<KernelSource>): Validator {
  return {
    async check({ chosen, path }, signal) {
      if (chosen.artifact.kind !== 'kernel') return [];
      const { selector } = chosen.variant;
      return orRefused('kernel', async () => notStartedBy(selector, await inspectKernel(await open(path), signal)));
    },
  };
}

function notStartedBy(selector: Selector, kernel: Parameters<typeof fitsOf>[0]): readonly Fault[] {
  const lane = fitsOf(kernel).find(
    ({ architecture, substrate, protectionMode }) =>
      architecture === selector.architecture && substrate === selector.substrate && protectionMode === selector.protection_mode,
  );
  if (lane === undefined) return [fault('kernel', `no kernel is known to start ${showSelector(selector)}`)];
  return lane.reasons.map((reason) => fault('kernel', `${showSelector(selector)} cannot start it: ${reason}`));
}
