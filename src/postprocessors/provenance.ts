import type { BuildRecord, Material, RecordedStep } from '../attest/slsa.ts';
import { provenanceType, slsaProvenance } from '../attest/slsa.ts';
import { withoutCredentials } from '../base/redact.ts';
import { statementReferrer } from '../attest/referrer.ts';
import { encodeStatement } from '../attest/statement.ts';
import { hexOf } from '../base/digest.ts';
import { PortkitError } from '../base/errors.ts';
import type { Ref } from '../base/ref.ts';
import type { ProvenanceSpec, StepRecord } from '../graph/attest-ops.ts';
import type { OciDigest } from '../oci/model/digest.ts';
import { ofKind } from '../ops/input.ts';
import type { FileWorld } from '../ops/input.ts';
import { asOutcome } from '../ops/outcome.ts';
import type { Op } from '../solver/op.ts';
import { selectItem } from '../store/trees/select.ts';
import { byteString } from '../base/byte-string.ts';
import { subjectsOf, withReferrers } from './attestations.ts';
import type { LayoutWorld } from './layout-tree.ts';
import type { Pinned } from './materials.ts';
import { materialsOf, pinFacts } from './materials.ts';

/** What telling how something was made is lent. */
export interface ProvenanceWorld extends FileWorld, Pinned {
  /** The version of portkit. */
  readonly version: string;
}

/** How the first input was made, by what the definition says of every step and what each came out as. */
export function provenanceOp(spec: ProvenanceSpec, world: ProvenanceWorld): Op {
  return {
    code: 'provenance/2',
    pool: 'io',
    facts: async ({ signal }) => ({ facts: { ...factsOf(spec, world), ...(await pinFacts(stepsOf(spec), world, signal)) } }),
    run: (inputs, { signal }) =>
      asOutcome(async () => {
        const [input] = inputs;
        if (input === undefined) throw new PortkitError('PK3306', 'The step was given nothing to tell of');
        const lent = { blobs: world.blobs, signal };
        const record = await recordOf(spec, { outputs: inputs.slice(1), world, signal });
        const statement = { predicateType: provenanceType, predicate: slsaProvenance(record) };
        const name = record.target;
        if (spec.attach !== true) {
          const bytes = encodeStatement({ subjects: await subjectsIn(input, name, lent), ...statement });
          const batch = world.blobs.batch();
          const digest = batch.add(bytes);
          await batch.commit(signal);
          return { ok: true, outputs: [{ kind: 'blob', digest }] };
        }
        const layout = ofKind(input, 'tree');
        const referrers = (await subjectsOf(layout, lent)).map((subject) =>
          statementReferrer(encodeStatement({ subjects: [{ name, digest: subject.digest }], ...statement }), {
            subject,
            predicateType: provenanceType,
          }),
        );
        return { ok: true, outputs: [await withReferrers(layout, referrers, lent)] };
      }),
  };
}

/** A file is its own subject, a layout is its manifests; any other tree is known by the digest of its root. */
async function subjectsIn(
  input: Ref,
  name: string,
  world: LayoutWorld,
): Promise<readonly { readonly name: string; readonly digest: OciDigest }[]> {
  const isLayout = input.kind === 'tree' && (await selectItem(input.digest, byteString('oci-layout'), world)) !== undefined;
  if (!isLayout) return [{ name, digest: ociDigest(input) }];
  return (await subjectsOf(input.digest, world)).map(({ digest }) => ({ name, digest }));
}

function ociDigest({ digest }: Ref): OciDigest {
  return `sha256:${hexOf(digest)}`;
}

function stepsOf({ steps = [] }: ProvenanceSpec): readonly StepRecord[] {
  return steps;
}

function factsOf(spec: ProvenanceSpec, { version }: ProvenanceWorld): Readonly<Record<string, string>> {
  const { mode = 'max', attach = false, time } = spec;
  // Facts are kept in the store: as little as the document may they have what a URL is opened with.
  const told = stepsOf(spec).map(({ name, ...rest }) => [`step ${name}`, JSON.stringify(withoutCredentials(rest))]);
  return {
    mode,
    attach: String(attach),
    builder: builderOf(spec),
    time: String(time ?? 'none'),
    version,
    ...Object.fromEntries(told),
  };
}

async function recordOf(
  spec: ProvenanceSpec,
  { outputs, world, signal }: { outputs: readonly Ref[]; world: ProvenanceWorld; signal: AbortSignal },
): Promise<BuildRecord> {
  const { mode = 'max', time } = spec;
  const steps: RecordedStep[] = [];
  const materials: Material[] = [];
  for (const [at, step] of stepsOf(spec).entries()) {
    const output = outputs[at];
    if (output === undefined) throw new Error(`The step ${step.name} has no result`);
    const { name, kind, parameters, inputs } = step;
    steps.push({ name, kind, parameters, inputs, output: ociDigest(output) });
    materials.push(...(await materialsOf(step, output, { world, signal })));
  }
  return {
    mode,
    builder: { id: builderOf(spec), version: world.version },
    target: steps.at(-1)?.name ?? '',
    steps,
    materials,
    ...(time !== undefined && { time }),
  };
}

/** Who builds, as a URI; portkit cannot know more than that it was portkit. */
function builderOf({ builder = 'urn:portkit:builder' }: ProvenanceSpec): string {
  if (/^[a-z][a-z0-9+.-]*:[^\s]+$/i.test(builder)) return builder;
  throw new PortkitError('PK4154', `${JSON.stringify(builder.slice(0, 200))} is no URI of a builder`);
}
