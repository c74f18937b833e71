import type { EditOver } from '../../../src/graph/wire.ts';
import type { Step } from '../schema/definition.ts';
import type { Complain } from './complain.ts';
import { given } from './complain.ts';

/** `tree = [ … ]`, with references for what is copied. */
export function tree(edits: NonNullable<Step['tree']>, complain: Complain): readonly EditOver<string>[] {
  return edits.map((edit, at): EditOver<string> => {
    if ('base64' in edit && 'text' in edit) complain(['tree', at, 'base64'], 'the content is either text or base64');
    if ('elf_libs' in edit) {
      const { elf_libs: elfLibs, ...rest } = edit;
      return { elfLibs, ...rest };
    }
    if ('kernel_modules' in edit) {
      const { kernel_modules: kernelModules, release_file: releaseFile, ...rest } = edit;
      return { kernelModules, ...rest, ...given({ releaseFile }) };
    }
    return 'mode' in edit ? { ...edit, mode: edit.mode.padStart(4, '0') } : edit;
  });
}
