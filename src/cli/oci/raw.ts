import { printable } from '../../base/printable.ts';
import { showSize } from '../../base/units.ts';
import type { Descriptor } from '../../oci/model/descriptor.ts';
import type { Invocation } from '../command.ts';
import { writeOut } from '../output.ts';
import { flag, outputOption } from '../values.ts';
import { writeWholeFile } from '../write-file.ts';

/** Writes content to the file of `-o`, whole or not at all, or else to standard output; both as it is, byte for byte. */
export async function giveContent(
  content: AsyncIterable<Uint8Array>,
  { options, print }: Pick<Invocation, 'options' | 'print'>,
): Promise<void> {
  const output = outputOption(options);
  if (output === undefined) return await writeOut(content);
  const size = await writeWholeFile(output, content);
  print(`${printable(output)}: ${showSize(size)}`);
  return undefined;
}

/** Prints what was put, and where. */
export function printPut(
  { descriptor, shown }: { readonly descriptor: Descriptor; readonly shown: string },
  { options, print }: Pick<Invocation, 'options' | 'print'>,
): void {
  const { mediaType, digest, size } = descriptor;
  print(flag(options, 'json') ? JSON.stringify({ version: 1, reference: shown, mediaType, digest, size }, null, 2) : shown);
}
