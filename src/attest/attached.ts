import { PortkitError } from '../base/errors.ts';
import type { Descriptor } from '../oci/model/descriptor.ts';
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

/** Everything that is said about a manifest in forms that are known; what else refers to it is passed over. */
export async function attachedTo(source: Source, subject: Descriptor, signal: AbortSignal): Promise<readonly Attached[]> {
  const found: Attached[] = [];
  for await (const descriptor of source.referring?.referrers(subject, signal) ?? []) {
    const manifest = await readManifest(source, descriptor, signal);
    const [layer] = manifest.kind === 'manifest' ? manifest.layers : [];
    const form = formOf(manifest.artifactType);
    if (layer === undefined || form === undefined) continue;
    const said = { descriptor, form, predicateType: '', content: Buffer.of() };
    try {
      const content = await contentOf(source, layer, signal);
      found.push({ ...said, content, ...saidBy(content, { form, mediaType: manifest.artifactType ?? '' }) });
    } catch (problem) {
      if (!(problem instanceof PortkitError) || !['PK4006', 'PK4151'].includes(problem.code)) throw problem;
      found.push({ ...said, problem });
    }
  }
  return found;
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
