import type { KernelSource } from '../../kernels/inspect/open.ts';
import type { Validator } from '../workflow/validator.ts';
import type { Judges } from './e2fsprogs.ts';
import { guestImageValidator } from './guest-image.ts';
import type { GuestWorld } from './guest-tree.ts';
import { kernelValidator } from './kernel.ts';
import { ownFileValidator } from './own-file.ts';

/** What looking into artifacts takes of the machine. */
export interface ValidatorWorld extends GuestWorld, Judges {
  readonly project: string;
  readonly openKernel: (path: string) => Promise<KernelSource>;
}

/** Every check that looks into the files of variants. */
export function validatorsOver(world: ValidatorWorld): readonly Validator[] {
  return [kernelValidator(world.openKernel), ownFileValidator(world.project), guestImageValidator(world)];
}
