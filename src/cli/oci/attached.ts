import { readFileSync } from 'node:fs';
import { attachedTo } from '../../attest/attached.ts';
import type { Attached } from '../../attest/attached.ts';
import { distinct, isOneOf, unverifiedPredicates } from '../../attest/documents.ts';
import type { PublicKey } from '../../attest/keys.ts';
import { parsePublicKey } from '../../attest/keys.ts';
import { requireSigned } from '../../attest/policy.ts';
import { PortkitError } from '../../base/errors.ts';
import { printableJson } from '../../base/printable.ts';
import { systemReason } from '../../base/system-reason.ts';
import type { Descriptor } from '../../oci/model/descriptor.ts';
import type { Source } from '../../oci/model/ports.ts';
import { notThere } from '../../oci/place/not-there.ts';
import { parsePlace, showPlace } from '../../oci/place/place.ts';
import type { Invocation, Option } from '../command.ts';
import { listOption } from '../values.ts';
import { openPlaces, registryOptions } from './open.ts';

/** The options of commands that look at what is said about an artifact. */
export const attachedOptions: Readonly<Record<string, Option>> = {
  key: { type: 'string', value: 'FILE', multiple: true, help: 'a public key (PEM) that is trusted' },
  ...registryOptions,
};

/** An artifact and what is said about it. */
export interface Found {
  readonly shown: string;
  readonly source: Source;
  readonly root: Descriptor;
  readonly attached: readonly Attached[];
}

/** Finds what a reference stands for, and hands it over with what is said about it while its place is open. */
export async function withAttached<T>(
  reference: string,
  invocation: Pick<Invocation, 'note' | 'options' | 'signal'>,
  use: (found: Found) => Promise<T>,
): Promise<T> {
  const place = parsePlace(reference);
  await using places = await openPlaces(invocation);
  const { source, name } = await places.source(place);
  const root = await source.resolve(name, invocation.signal);
  if (root === undefined) throw notThere(place);
  return await use({ shown: showPlace(place), source, root, attached: await attachedTo(source, root, invocation.signal) });
}

/** The public keys of a command line. */
export function keysOf(options: Invocation['options']): readonly PublicKey[] {
  return listOption(options, 'key').map(readKey);
}

function readKey(file: string): PublicKey {
  try {
    return parsePublicKey(readFileSync(file, 'latin1'));
  } catch (cause) {
    const shown = JSON.stringify(file);
    if (cause instanceof PortkitError) {
      throw new PortkitError(cause.code, `${shown}: ${cause.message}`, {
        cause,
        ...(cause.hint !== undefined && { hint: cause.hint }),
      });
    }
    throw new PortkitError('PK1004', `The key ${shown} cannot be read: ${systemReason(cause)}`, {
      hint: '--key takes a file',
      cause,
    });
  }
}

/** What to print of an artifact: documents of these types, and what to call them in messages. */
interface Wanted {
  readonly what: string;
  readonly predicateTypes: readonly string[];
}

/** Prints documents that are beside an artifact; only those that a trusted key signed, if keys are given. */
export function printDocuments(
  reference: string,
  { what, predicateTypes }: Wanted,
  invocation: Pick<Invocation, 'options' | 'signal' | 'print' | 'note'>,
): Promise<number> {
  const { options, print, note } = invocation;
  const keys = keysOf(options);
  return withAttached(reference, invocation, ({ shown, root, attached }) => {
    const documents =
      keys.length === 0
        ? unverifiedPredicates(attached, predicateTypes)
        : distinct(
            requireSigned(attached, root.digest, { keys, predicateTypes: [] })
              .filter(({ predicateType }) => isOneOf(predicateType, predicateTypes))
              .map(({ predicate }) => predicate),
          );
    if (documents.length === 0) {
      const code = keys.length === 0 ? 'PK4001' : 'PK4153';
      const there = [...new Set(attached.map(({ predicateType }) => JSON.stringify(predicateType)))].join(', ');
      throw new PortkitError(code, `There is no ${keys.length === 0 ? '' : 'signed '}${what} beside ${shown}`, {
        hint: there === '' ? 'Nothing is said about it there' : `What is said about it there: ${there}`,
      });
    }
    for (const document of documents) print(printableJson(document));
    if (keys.length === 0) note(`Who said this was not checked: give --key FILE`);
    return Promise.resolve(0);
  });
}
