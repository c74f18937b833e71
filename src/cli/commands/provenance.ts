import { provenanceType } from '../../attest/slsa.ts';
import type { Command } from '../command.ts';
import { attachedOptions, printDocuments } from '../oci/attached.ts';
import { registryStatuses } from '../oci/open.ts';
import { oneWord } from '../oci/words.ts';

/** `portkit provenance`: how an artifact was made. */
export const provenance: Command = {
  usage: 'provenance REF [--key FILE]',
  about: [
    'Prints the SLSA provenance that is beside REF (oci:DIR[:TAG], oci-archive:FILE[:TAG], or HOST/PATH[:TAG][@DIGEST]).',
    'With --key, only what that key signed.',
    registryStatuses,
  ].join('\n'),
  words: 1,
  options: attachedOptions,
  run: (invocation) =>
    printDocuments(
      oneWord('provenance REF', invocation.words),
      { what: 'provenance', predicateTypes: [provenanceType] },
      invocation,
    ),
};
