import { billTypes } from '../../attest/statement.ts';
import { PortkitError } from '../../base/errors.ts';
import type { Command } from '../command.ts';
import { documentOptions, printDocuments } from '../oci/documents.ts';
import { registryStatuses } from '../oci/open.ts';
import { oneWord } from '../oci/words.ts';
import { textOption } from '../values.ts';

const formats: Readonly<Record<string, string | undefined>> = {
  spdx: billTypes['application/spdx+json'],
  cyclonedx: billTypes['application/vnd.cyclonedx+json'],
};

const howTo = 'a step { sbom = { of = …, attach = "step:LAYOUT" } } puts one there';

/** `portkit sbom`: what is in an artifact. */
export const sbom: Command = {
  usage: 'sbom REF [--format spdx|cyclonedx] [--platform P] [--key FILE] [--output FILE] [--json]',
  about: [
    'Prints the bills of materials that are beside REF (oci:DIR[:TAG], oci-archive:FILE[:TAG], or HOST/PATH[:TAG][@DIGEST]).',
    'Of an index about which nothing is said itself, those of its manifests; also what BuildKit puts into the index.',
    'With --key, only what that key signed.',
    registryStatuses,
  ].join('\n'),
  words: 1,
  options: { format: { type: 'string', value: 'FORMAT', help: 'only of this format' }, ...documentOptions },
  run(invocation) {
    const format = textOption(invocation.options, 'format');
    const chosen = Object.entries(formats).flatMap(([name, type]) =>
      format === undefined || format === name ? (type ?? []) : [],
    );
    if (chosen.length === 0)
      throw new PortkitError('PK1004', `--format ${JSON.stringify(format)} is not known`, {
        hint: `The formats are ${Object.keys(formats).join(' and ')}`,
      });
    return printDocuments(
      oneWord('sbom REF', invocation.words),
      { what: 'bill of materials', predicateTypes: chosen, howTo },
      invocation,
    );
  },
};
