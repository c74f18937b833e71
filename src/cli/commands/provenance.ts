import type { Command } from '../command.ts';
import { documentOptions, printDocuments } from '../oci/documents.ts';
import { registryStatuses } from '../oci/open.ts';
import { oneWord } from '../oci/words.ts';

const howTo = 'a step { provenance = { from = "step:LAYOUT", attach = true } } puts it there';

/** `portkit provenance`: how an artifact was made. */
export const provenance: Command = {
  usage: 'provenance REF [--platform P] [--key FILE] [--output FILE] [--json]',
  about: [
    'Prints the SLSA provenance that is beside REF (oci:DIR[:TAG], oci-archive:FILE[:TAG], or HOST/PATH[:TAG][@DIGEST]).',
    'Of an index about which nothing is said itself, those of its manifests; also what BuildKit puts into the index.',
    'With --key, only what that key signed.',
    registryStatuses,
  ].join('\n'),
  words: 1,
  options: documentOptions,
  run: (invocation) =>
    printDocuments(
      oneWord('provenance REF', invocation.words),
      { what: 'provenance', predicateTypes: ['https://slsa.dev/provenance'], howTo },
      invocation,
    ),
};
