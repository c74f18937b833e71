import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { attachedTo } from '../../attest/attached.ts';
import type { Attached } from '../../attest/attached.ts';
import type { PublicKey } from '../../attest/keys.ts';
import { parsePublicKey } from '../../attest/keys.ts';
import { PortkitError } from '../../base/errors.ts';
import { systemReason } from '../../base/system-reason.ts';
import type { Descriptor } from '../../oci/model/descriptor.ts';
import type { Source } from '../../oci/model/ports.ts';
import { notThere } from '../../oci/place/not-there.ts';
import { parsePlace, showPlace } from '../../oci/place/place.ts';
import type { Place } from '../../oci/place/place.ts';
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
  const place = placeOf(reference);
  await using places = await openPlaces(invocation);
  const { source, name } = await places.source(place);
  const root = await source.resolve(name, invocation.signal);
  if (root === undefined) throw notThere(place);
  return await use({ shown: showPlace(place), source, root, attached: await attachedTo(source, root, invocation.signal) });
}

/** Nothing stands beside a plain file, and nobody should have to guess how to name a layout. */
function placeOf(reference: string): Place {
  try {
    return parsePlace(reference);
  } catch (error) {
    if (!existsSync(reference)) throw error;
    const isLayout = existsSync(join(reference, 'oci-layout'));
    const what = isLayout
      ? 'is an OCI layout: its name is'
      : 'is a file or folder, beside which nothing is said; a layout in a tar is';
    throw new PortkitError('PK4005', `${JSON.stringify(reference)} ${what} ${isLayout ? 'oci' : 'oci-archive'}:${reference}`, {
      hint: isLayout
        ? `Use oci:${reference}`
        : 'A step { oci = … } packs files, and { sbom = … } or { provenance = … } with "attach" says what is in them and how they were made',
    });
  }
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
