import { byteString } from '../../base/byte-string.ts';
import { librariesOf } from '../../ops/elf/libraries.ts';
import { findElf } from '../../ops/elf/trees.ts';
import type { Selector } from '../model/selector.ts';
import type { Fault } from '../workflow/validator.ts';
import { fault, orRefused } from './fault.ts';
import { guestFile } from './guest-tree.ts';
import type { GuestTree } from './guest-tree.ts';

/** Numbers of processors in ELF headers. */
const machines: Readonly<Record<Selector['architecture'], number>> = { x86_64: 62, aarch64: 183 };

/** A program that has to be in a guest: there, executable, for its machine, and with every library that it is loaded with. */
export async function programFaults(path: string, guest: GuestTree, { architecture }: Selector): Promise<readonly Fault[]> {
  const file = await guestFile(path, guest);
  if (file === undefined) return [fault('file', `${path} is not there`)];
  const executable = notExecutable(path, file);
  const faults = await orRefused('program', async () => {
    const program = await findElf(byteString(path.slice(1)), guest.trees);
    if (program === undefined) return [fault('program', `${path} is no program (ELF)`)];
    const { machine, bits } = program.elf;
    if (machine !== machines[architecture] || bits !== 64)
      return [fault('program', `${path} is for another machine than ${architecture} (ELF machine ${machine}, ${bits} bits)`)];
    return orRefused('library', async () => {
      await librariesOf(program, guest.trees);
      return [];
    });
  });
  return [...executable, ...faults];
}

/** A file that cannot be started. */
export function notExecutable(path: string, { mode }: { readonly mode: number }): readonly Fault[] {
  return (mode & 0o111) === 0 ? [fault('executable', `${path} is not executable`)] : [];
}
