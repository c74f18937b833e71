import type { Attached } from '../../attest/attached.ts';
import { checkContent } from '../../attest/content.ts';
import { requireSigned } from '../../attest/policy.ts';
import { PortkitError } from '../../base/errors.ts';
import { printable, printableJson } from '../../base/printable.ts';
import { showSize } from '../../base/units.ts';
import type { Command, Invocation } from '../command.ts';
import { attachedOptions, keysOf, withAttached } from '../oci/attached.ts';
import { registryOptions, registryStatuses } from '../oci/open.ts';
import { flag, listOption } from '../values.ts';
import { chooseVerb } from '../verbs.ts';

/** What cosign calls kinds of statements with --type. */
const shortTypes: Readonly<Record<string, string | undefined>> = {
  slsaprovenance: 'https://slsa.dev/provenance/v0.2',
  slsaprovenance02: 'https://slsa.dev/provenance/v0.2',
  slsaprovenance1: 'https://slsa.dev/provenance/v1',
  spdxjson: 'https://spdx.dev/Document',
  cyclonedx: 'https://cyclonedx.org/bom',
};

interface Verb {
  readonly options: readonly string[];
  run(reference: string, invocation: Invocation): Promise<number>;
}

const verbs: Readonly<Record<string, Verb>> = {
  inspect: { options: [], run: inspect },
  verify: { options: ['key', 'predicate-type'], run: verify },
};

/** `portkit attest …`: what is said about an artifact, and whether somebody who is trusted said it. */
export const attest: Command = {
  usage: 'attest inspect REF | attest verify REF --key FILE [--predicate-type URI…]',
  about: [
    'inspect  what is said about REF beside it: signatures, provenance, bills of materials; nothing is checked',
    'verify   whether one of the keys signed REF, and statements of each --predicate-type about it; and whether its',
    '         content is what was signed, for which all of it is read. Ends with status 7 if not.',
    '         A URI may be said as cosign does: slsaprovenance1, spdxjson, cyclonedx.',
    'REF is oci:DIR[:TAG], oci-archive:FILE[:TAG], or HOST/PATH[:TAG][@DIGEST].',
    registryStatuses,
  ].join('\n'),
  words: 2,
  options: {
    ...attachedOptions,
    'predicate-type': { type: 'string', value: 'URI', multiple: true, help: 'verify: what has to be signed' },
    json: { type: 'boolean', help: 'print the result as JSON' },
  },
  async run(invocation) {
    const verb = chooseVerb({ command: 'attest', verbs, common: ['json', ...Object.keys(registryOptions)] }, invocation);
    const [name, reference = ''] = invocation.words;
    if (reference === '') throw new PortkitError('PK1001', `The form is: portkit attest ${name} REF`);
    return verb.run(reference, invocation);
  },
};

function inspect(reference: string, invocation: Invocation): Promise<number> {
  const { options, print } = invocation;
  return withAttached(reference, invocation, ({ shown, root, attached }) => {
    if (flag(options, 'json')) {
      const attestations = attached.map(({ descriptor: { digest }, content, problem, ...said }) => ({
        ...said,
        digest,
        size: content.length,
        ...(problem && { problem: problem.message }),
      }));
      print(printableJson({ version: 1, reference: shown, digest: root.digest, attestations }));
    } else print([`${printable(shown)}  ${root.digest}`, ...attached.map(line)].join('\n'));
    return Promise.resolve(0);
  });
}

function line({ descriptor: { digest }, form, predicateType, keyId, content, problem }: Attached): string {
  if (problem !== undefined) return `  ${form}: cannot be used (${printable(problem.message)})  ${digest}`;
  const by = form === 'bundle' ? `, said to be signed with ${printable(keyId ?? 'the key of a certificate')}` : ', not signed';
  return `  ${printable(predicateType)}  (${showSize(content.length)}${by})  ${digest}`;
}

function verify(reference: string, invocation: Invocation): Promise<number> {
  const { options, signal, print } = invocation;
  const keys = keysOf(options);
  if (keys.length === 0) {
    throw new PortkitError('PK1001', '"portkit attest verify" needs a public key that is trusted', { hint: 'Give --key FILE' });
  }
  const predicateTypes = listOption(options, 'predicate-type').map((type) => shortTypes[type] ?? type);
  return withAttached(reference, invocation, async ({ shown, source, root, attached }) => {
    const statements = requireSigned(attached, root.digest, { keys, predicateTypes });
    await checkContent(root, {
      reader: source,
      signal,
      async checkBlob(blob) {
        // What is fetched is verified until its end.
        for await (const _ of await source.fetch(blob, signal)) signal.throwIfAborted();
      },
    });
    const signed = statements.map(({ predicateType }) => predicateType);
    if (flag(options, 'json')) print(printableJson({ version: 1, reference: shown, digest: root.digest, signed }));
    else print([`${printable(shown)}  ${root.digest}`, ...signed.map((type) => `  signed: ${printable(type)}`)].join('\n'));
    return 0;
  });
}
