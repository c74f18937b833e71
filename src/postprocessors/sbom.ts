import { canonicalJson } from '../base/canonical.ts';
import type { Digest } from '../base/digest.ts';
import { PortkitError } from '../base/errors.ts';
import type { Ref } from '../base/ref.ts';
import type { SbomSpec } from '../graph/postprocess-ops.ts';
import { parseManifest } from '../oci/model/manifest.ts';
import { describe, describeReferrer, emptyBlob, produceManifest } from '../oci/model/produce.ts';
import type { LockedWorld } from '../ops/deb/wanted.ts';
import { ofKind } from '../ops/input.ts';
import { asOutcome } from '../ops/outcome.ts';
import type { Op } from '../solver/op.ts';
import { extendLayout, mainManifest } from './layout-tree.ts';
import type { LayoutWorld } from './layout-tree.ts';
import { titleAnnotation } from './oci/title.ts';
import type { Inventory, Subject } from './sbom/inventory.ts';
import type { ImageWorld } from './sbom/image.ts';
import { lookInto } from './sbom/look.ts';
import { foundSources, pinnedSources } from './sbom/sources.ts';

const forms = {
  cyclonedx: {
    mediaType: 'application/vnd.cyclonedx+json',
    title: 'sbom.cdx.json',
    write: async (inventory: Inventory) => (await import('./sbom/cyclonedx.ts')).cycloneDocument(inventory),
  },
  spdx: {
    mediaType: 'application/spdx+json',
    title: 'sbom.spdx.json',
    write: async (inventory: Inventory) => (await import('./sbom/spdx.ts')).spdxDocument(inventory),
  },
} as const;

/** What telling what is in something is lent. */
export type SbomWorld = Omit<ImageWorld, 'signal'> & LockedWorld;

/** What is in the inputs, as a document or as a referrer of the manifest of a layout. */
export function sbomOp(spec: SbomSpec, lent: SbomWorld): Op {
  const { blobs, unxz, scratch } = lent;
  const { format, names, name, attach } = spec;
  const { write, mediaType, title } = forms[format];
  return {
    code: 'sbom/2',
    pool: 'cpu',
    facts: () => ({
      facts: {
        document: canonicalJson({ format, names, name: name ?? '', attach: attach ?? '', sources: pinnedSources(spec, lent) }),
      },
    }),
    run: (inputs, { signal, output }) =>
      asOutcome(async () => {
        const world = { blobs, unxz, scratch, signal };
        const layout = attach === undefined ? undefined : ofKind(inputAt(inputs, attach), 'tree');
        const told = inputs.filter((_, at) => at !== attach);
        const subjects: Subject[] = [];
        for (const [at, subject] of names.entries()) subjects.push(...(await lookInto(subject, inputAt(told, at), world)));
        for (const { name: subject, unread } of subjects)
          for (const why of unread) output('stderr', Buffer.from(`warning: not all of ${subject} is told: ${why}\n`));
        const manifest = layout && (await mainManifest(layout, world));
        const inventory = {
          name: name ?? names[0] ?? '',
          subjects,
          sources: foundSources(spec, lent, inputs),
          ...(manifest && { manifest: manifest.digest }),
        };
        const bytes = Buffer.from(await write(inventory));
        if (layout !== undefined) {
          return { ok: true, outputs: [await attachDocument(layout, { bytes, mediaType, title }, world)] };
        }
        const batch = blobs.batch();
        const digest = batch.add(bytes);
        await batch.commit(signal);
        return { ok: true, outputs: [{ kind: 'blob', digest }] };
      }),
  };
}

function inputAt(inputs: readonly Ref[], position: number): Ref {
  const input = inputs[position];
  if (input === undefined) throw new PortkitError('PK3306', `The step has no input ${position}`);
  return input;
}

interface Document {
  readonly bytes: Uint8Array;
  readonly mediaType: string;
  readonly title: string;
}

/** The layout with a document as a referrer of its manifest (image-spec, manifest.md: "subject"). */
async function attachDocument(layout: Digest, { bytes, mediaType, title }: Document, world: LayoutWorld): Promise<Ref> {
  const subject = await mainManifest(layout, world);
  const blob = { bytes, descriptor: { ...describe(bytes, mediaType), annotations: { [titleAnnotation]: title } } };
  const manifest = produceManifest({ artifactType: mediaType, layers: [blob.descriptor], subject });
  const listed = describeReferrer(manifest.descriptor, parseManifest(manifest.bytes, { shown: 'the referrer' }));
  return extendLayout(layout, { blobs: [], documents: [blob, emptyBlob, manifest], manifests: [listed] }, world);
}
