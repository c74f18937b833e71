import type { Material } from '../attest/slsa.ts';
import { hexOf } from '../base/digest.ts';
import type { Digest } from '../base/digest.ts';
import type { Ref } from '../base/ref.ts';
import type { StepRecord } from '../graph/attest-ops.ts';
import { pinName, pinOf } from '../ops/deb/pin.ts';

/** What knows the digests that definitions leave open. */
export interface Pinned {
  /** The lock; packages are named there as `deb:name=version:architecture`. */
  readonly pin?: { get(name: string): Digest | undefined };
  /** Debian's name of this machine's architecture. */
  readonly architecture: string;
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
  const { uri, digest } = source ?? {};
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
  const tools = await toolsOf(steps, { world, signal });
  return Object.fromEntries([
    ...packages.map(({ uri, digest = 'open' }) => [`package ${uri}`, digest]),
    ...tools.map(([tool, digest]) => [`tool ${tool}`, digest]),
  ]);
}

function packagesOf(
  { source }: StepRecord,
  { pin, architecture: own }: Pinned,
): readonly { readonly uri: string; readonly digest: Digest | undefined }[] {
  const { packages = [], architecture = own } = source ?? {};
  return packages.map(({ name, version, sha256 }) => {
    const uri = pinName({ name, ...(version !== undefined && { version }) }, architecture);
    return { uri, digest: sha256 === undefined ? pin?.get(uri) : pinOf(sha256) };
  });
}

async function toolsOf(
  steps: readonly StepRecord[],
  { world, signal }: Surroundings,
): Promise<readonly (readonly [string, Digest])[]> {
  const names = new Set(steps.flatMap(({ tools = [] }) => tools));
  return Promise.all([...names].map(async (tool) => [tool, await world.toolDigest(tool, signal)] as const));
}
