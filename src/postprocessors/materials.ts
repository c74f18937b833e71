import type { Material } from '../attest/slsa.ts';
import { hexOf } from '../base/digest.ts';
import type { Digest } from '../base/digest.ts';
import type { Ref } from '../base/ref.ts';
import type { StepRecord } from '../graph/attest-ops.ts';
import { pinnedDigest } from '../ops/image/pin.ts';
import { wantedOf } from '../ops/deb/wanted.ts';
import type { LockedWorld } from '../ops/deb/wanted.ts';

/** What knows the digests that definitions leave open. */
export interface Pinned extends LockedWorld {
  /** The digest of a program of the host. */
  readonly toolDigest: (tool: string, signal: AbortSignal) => Promise<Digest>;
}

interface Surroundings {
  readonly world: Pinned;
  readonly signal: AbortSignal;
}

/** What came from outside by a step: its source, by the digest of what was taken, and the host's programs that it ran. */
export async function materialsOf(step: StepRecord, output: Ref, { world, signal }: Surroundings): Promise<readonly Material[]> {
  const { name, kind, source } = step;
  const taken = { sha256: hexOf(output.digest) };
  const packages = packagesOf(step, world).map(({ uri, digest }) => ({
    name,
    uri,
    digest: digest === undefined ? {} : { sha256: hexOf(digest) },
  }));
  const { uri } = source ?? {};
  const locked = imagePin(step, world);
  const digest = source?.digest ?? (locked === undefined ? undefined : { sha256: hexOf(locked) });
  const own = {
    name,
    ...(uri !== undefined && { uri }),
    // What is fetched is known by its bytes; a repository and an image by their own digests, if they were pinned by them.
    digest: kind === 'fetch' ? { ...digest, ...taken } : (digest ?? taken),
  };
  const tools = await toolsOf([step], { world, signal });
  return [
    ...(source === undefined || kind === 'deb' ? [] : [own]),
    ...packages,
    ...tools.map(([tool, found]) => ({ name: `${name}: ${tool}`, uri: `host:${tool}`, digest: { sha256: hexOf(found) } })),
  ];
}

/** The digests that are not in the definition: what they are today is a part of what is told. */
export async function pinFacts(
  steps: readonly StepRecord[],
  world: Pinned,
  signal: AbortSignal,
): Promise<Readonly<Record<string, string>>> {
  const packages = steps.flatMap((step) => packagesOf(step, world));
  const images = steps.map((step) => [step.source?.uri, imagePin(step, world)] as const);
  const tools = await toolsOf(steps, { world, signal });
  return Object.fromEntries([
    ...packages.map(({ uri, digest = 'open' }) => [`package ${uri}`, digest]),
    ...images.flatMap(([uri = '', digest]) => (digest === undefined ? [] : [[`image ${uri}`, digest]])),
    ...tools.map(([tool, digest]) => [`tool ${tool}`, digest]),
  ]);
}

/** The digest of the image of a registry that the lock pins; what is in a layout beside the definition is in no lock. */
function imagePin({ kind, source, parameters }: StepRecord, { pin }: Pinned): Digest | undefined {
  if (kind !== 'image' || source?.uri === undefined || parameters['layout'] !== undefined) return undefined;
  const reference = source.uri.slice('oci:'.length);
  return pinnedDigest({ type: 'image', reference }, pin);
}

function packagesOf(
  { source }: StepRecord,
  { pin, architecture: own }: Pinned,
): readonly { readonly uri: string; readonly digest: Digest | undefined }[] {
  const { packages = [], architecture = own } = source ?? {};
  const lock = { architecture, ...(pin !== undefined && { pin }) };
  return wantedOf({ packages }, lock).map(({ pinName: uri, digest }) => ({ uri, digest }));
}

async function toolsOf(
  steps: readonly StepRecord[],
  { world, signal }: Surroundings,
): Promise<readonly (readonly [string, Digest])[]> {
  const names = new Set(steps.flatMap(({ tools = [] }) => tools));
  return Promise.all([...names].map(async (tool) => [tool, await world.toolDigest(tool, signal)] as const));
}
