import { PortkitError } from '../base/errors.ts';
import type { Descriptor } from '../oci/model/descriptor.ts';
import { kindOf } from '../oci/model/media-types.ts';
import type { BlobReader, Source } from '../oci/model/ports.ts';
import { readManifest } from '../oci/model/read.ts';
import { bundleType, parseBundle } from './bundle.ts';
import { billTypes, parseStatement, statementType } from './statement.ts';

/** Something that is said about an artifact beside it. Unless it was verified, anybody may have said it. */
export interface Attached {
  /** The manifest that refers to the artifact. */
  readonly descriptor: Descriptor;
  /** A signed statement, an unsigned one, or a bill of materials by itself. */
  readonly form: 'bundle' | 'statement' | 'bill';
  readonly predicateType: string;
  /** Which key is said to have signed it. */
  readonly keyId?: string;
  /** The bundle, the statement or the bill of materials. */
  readonly content: Uint8Array;
  /** Why it says nothing. Whoever can put things beside an artifact can put nonsense there: that is no reason to trust nothing else. */
  readonly problem?: PortkitError;
}

/** Bytes of a statement or bundle that are read: as many as BuildKit allows. */
const largest = 40 << 20;

/** More than this refers to nothing that was made for a good reason. */
const mostReferrers = 1000;
/** Statements of one manifest: BuildKit makes one of provenance and one for each scanner. */
const mostStatements = 20;
/** What all of it together may have: it is held until it was looked at. */
const mostBytes = 256 << 20;
/** What somebody can make wrong of a thing beside an artifact, and what does not speak against the others. */
const nonsense: readonly string[] = ['PK4001', 'PK4002', 'PK4003', 'PK4006', 'PK4151'];

/**
 * Everything that is said about a manifest in forms that are known; what else refers to it is passed over, as is what cannot
 * be read. PK4006 when it is more than can be looked at.
 */
export async function attachedTo(source: Source, subject: Descriptor, signal: AbortSignal): Promise<readonly Attached[]> {
  const found: Attached[] = [];
  let referrers = 0;
  let bytes = 0;
  for await (const descriptor of source.referring?.referrers(subject, signal) ?? []) {
    const one = await orProblem(() => lookAt(source, descriptor, signal));
    const said = one instanceof PortkitError || one === undefined ? [] : [one];
    found.push(...said);
    referrers += 1;
    bytes += said[0]?.content.length ?? 0;
    if (referrers > mostReferrers || bytes > mostBytes)
      throw new PortkitError('PK4006', `More is said about ${subject.digest} at ${source.shown} than is looked at`);
  }
  return found;
}

async function lookAt(source: Source, descriptor: Descriptor, signal: AbortSignal): Promise<Attached | undefined> {
  if (kindOf(descriptor.mediaType) !== 'manifest') return undefined;
  const manifest = await readManifest(source, descriptor, signal);
  const [layer] = manifest.kind === 'manifest' ? manifest.layers : [];
  const form = formOf(manifest.artifactType);
  if (layer === undefined || form === undefined) return undefined;
  const content = await orProblem(() => contentOf(source, layer, signal));
  const said = { descriptor, form, predicateType: '' };
  if (content instanceof PortkitError) return { ...said, content: Buffer.of(), problem: content };
  const what = await orProblem(() => Promise.resolve(saidBy(content, { form, mediaType: manifest.artifactType ?? '' })));
  return what instanceof PortkitError ? { ...said, content: Buffer.of(), problem: what } : { ...said, content, ...what };
}

/** The statements that are the layers of one manifest, as BuildKit stores them; what cannot be read is passed over. */
export async function statementsIn(source: Source, descriptor: Descriptor, signal: AbortSignal): Promise<readonly Attached[]> {
  const manifest = await orProblem(() => readManifest(source, descriptor, signal));
  if (manifest instanceof PortkitError || manifest.kind !== 'manifest') return [];
  const found: Attached[] = [];
  for (const layer of manifest.layers.slice(0, mostStatements)) {
    if (layer.mediaType !== statementType) continue;
    const content = await orProblem(() => contentOf(source, layer, signal));
    if (content instanceof PortkitError) continue;
    const what = await orProblem(() => Promise.resolve(saidBy(content, { form: 'statement', mediaType: statementType })));
    if (!(what instanceof PortkitError)) found.push({ descriptor, form: 'statement', content, ...what });
  }
  return found;
}

async function orProblem<T>(work: () => Promise<T>): Promise<T | PortkitError> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof PortkitError && nonsense.includes(error.code)) return error;
    throw error;
  }
}

function formOf(artifactType: string | undefined): Attached['form'] | undefined {
  if (artifactType === bundleType) return 'bundle';
  if (artifactType === statementType) return 'statement';
  return artifactType !== undefined && Object.hasOwn(billTypes, artifactType) ? 'bill' : undefined;
}

function saidBy(
  content: Uint8Array,
  { form, mediaType }: { readonly form: Attached['form']; readonly mediaType: string },
): Pick<Attached, 'predicateType' | 'keyId'> {
  if (form === 'bill') return { predicateType: billTypes[mediaType] ?? '' };
  if (form === 'statement') return { predicateType: parseStatement(content).predicateType };
  const { envelope, keyId } = parseBundle(content);
  // What is signed may be no statement at all: then it is of no kind that anybody asks for.
  const predicateType = envelope.payloadType === statementType ? parseStatement(envelope.payload).predicateType : '';
  return { predicateType, ...(keyId !== undefined && { keyId }) };
}

async function contentOf(reader: BlobReader, layer: Descriptor, signal: AbortSignal): Promise<Uint8Array> {
  if (layer.size > largest)
    throw new PortkitError('PK4006', `The attestation ${layer.digest} has more than the ${largest} bytes that are read of one`);
  const chunks: Uint8Array[] = [];
  for await (const chunk of await reader.fetch(layer, signal)) chunks.push(chunk);
  return Buffer.concat(chunks);
}
