import { attachedTo } from '../../attest/attached.ts';
import type { Attached } from '../../attest/attached.ts';
import { distinct, isOneOf, unverifiedDocuments } from '../../attest/documents.ts';
import type { Document } from '../../attest/documents.ts';
import { embeddedIn } from '../../attest/embedded.ts';
import type { Part } from '../../attest/embedded.ts';
import type { PublicKey } from '../../attest/keys.ts';
import { requireSigned } from '../../attest/policy.ts';
import { PortkitError } from '../../base/errors.ts';
import { printableJson } from '../../base/printable.ts';
import { choosePlatform } from '../../oci/copy/platform.ts';
import type { Descriptor } from '../../oci/model/descriptor.ts';
import { parsePlatform, showPlatform } from '../../oci/model/platform.ts';
import type { Invocation, Option } from '../command.ts';
import { flag, textOption } from '../values.ts';
import { writeWholeFile } from '../write-file.ts';
import type { Found } from './attached.ts';
import { attachedOptions, keysOf, withAttached } from './attached.ts';

/** The options of commands that print what is said about an artifact. */
export const documentOptions: Readonly<Record<string, Option>> = {
  platform: { type: 'string', value: 'OS/ARCH', help: 'of an index, what is said about its manifest for this platform' },
  output: { type: 'string', short: 'o', value: 'FILE', help: 'write the document there' },
  json: { type: 'boolean', help: 'every document with its type, its subject and whether its signature was checked' },
  ...attachedOptions,
};

/** What to print of an artifact: documents of these types, what to call them in messages, and how one comes there. */
interface Wanted {
  readonly what: string;
  readonly predicateTypes: readonly string[];
  readonly howTo: string;
}

/** A document and the manifest that it is about. */
interface Told extends Document {
  readonly subject: Descriptor;
}

/** Prints documents that are beside an artifact; only those that a trusted key signed, if keys are given. */
export function printDocuments(
  reference: string,
  wanted: Wanted,
  invocation: Pick<Invocation, 'options' | 'signal' | 'print' | 'note'>,
): Promise<number> {
  const { options, print, note } = invocation;
  const keys = keysOf(options);
  const output = textOption(options, 'output');
  return withAttached(reference, invocation, async (found) => {
    const told = await toldOf(found, { ...wanted, keys }, invocation);
    const documents = distinct(told.map(({ document }) => document));
    if (flag(options, 'json')) {
      const list = told.map(({ subject: { digest, platform }, ...one }) => ({
        ...one,
        subject: digest,
        ...(platform && { platform: showPlatform(platform) }),
        verified: keys.length > 0,
      }));
      await give([{ version: 1, reference: found.shown, digest: found.root.digest, documents: list }]);
    } else if (output !== undefined && documents.length > 1) {
      throw new PortkitError('PK1004', `--output takes one document, and ${documents.length} are beside ${found.shown}`, {
        hint: `Choose with --platform or --format, or take all with --json: ${told.map(shown).join(', ')}`.slice(0, 500),
      });
    } else await give(documents);
    if (keys.length === 0) note(`Who said this was not checked: give --key FILE`);
    return 0;
  });

  async function give(values: readonly unknown[]): Promise<void> {
    if (output === undefined) for (const value of values) print(printableJson(value));
    else await writeWholeFile(output, lines(values));
  }
}

async function* lines(values: readonly unknown[]): AsyncGenerator<Uint8Array> {
  for (const value of values) yield await Promise.resolve(Buffer.from(`${printableJson(value)}\n`));
}

function shown({ predicateType, subject: { digest, platform } }: Told): string {
  return `${JSON.stringify(predicateType)} of ${platform === undefined ? digest : showPlatform(platform)}`;
}

/** What was asked for of the artifact itself; of an index about which nothing was, of its manifests. PK4001 or PK4153 for nothing. */
async function toldOf(
  { root, attached, source, shown: place }: Found,
  { what, predicateTypes, howTo, keys }: Wanted & { readonly keys: readonly PublicKey[] },
  { options, signal, note }: Pick<Invocation, 'options' | 'signal' | 'note'>,
): Promise<readonly Told[]> {
  const platform = textOption(options, 'platform');
  const said: Attached[] = [];
  async function about(subject: Descriptor, more: readonly Attached[]): Promise<readonly Told[]> {
    said.push(...more);
    const found = keys.length === 0 ? unverifiedDocuments(more, predicateTypes) : signed(more, subject);
    return distinct(found.map((one) => ({ ...one, subject })));
  }
  function signed(more: readonly Attached[], subject: Descriptor): readonly Document[] {
    if (more.every(({ form }) => form !== 'bundle') && subject.digest !== root.digest) return [];
    return requireSigned(more, subject.digest, { keys, predicateTypes: [] })
      .filter(({ predicateType }) => isOneOf(predicateType, predicateTypes))
      .map(({ predicateType, predicate }) => ({ predicateType, document: predicate }));
  }
  const chosen =
    platform === undefined ? root : await choosePlatform(source, { start: root, platform: parsePlatform(platform) }, signal);
  const parts = await embeddedIn(source, root, signal);
  const aboutPart = async ({ subject, attached: inside }: Part): Promise<readonly Told[]> =>
    about(subject, [...(await attachedTo(source, subject, signal)), ...inside]);
  const told: Told[] = [];
  if (chosen.digest === root.digest) {
    told.push(...(await about(root, attached)));
    if (told.length === 0) for (const part of parts) told.push(...(await aboutPart(part)));
  } else {
    const inside = parts.find(({ subject }) => subject.digest === chosen.digest)?.attached ?? [];
    told.push(...(await aboutPart({ subject: chosen, attached: inside })));
  }
  if (told.length === 0 && chosen.digest !== root.digest) {
    told.push(...(await about(root, attached)));
    if (told.length > 0) note(`Nothing is said about ${platform} alone: this is about the whole of ${place}`);
  }
  if (told.length > 0) return told;
  const there = [...new Set(said.map(({ predicateType }) => JSON.stringify(predicateType)))].join(', ');
  throw new PortkitError(
    keys.length === 0 ? 'PK4001' : 'PK4153',
    `There is no ${keys.length === 0 ? '' : 'signed '}${what} beside ${place}`,
    {
      hint: there === '' ? `Nothing is said about it there; ${howTo}` : `What is said about it there: ${there}`,
    },
  );
}
