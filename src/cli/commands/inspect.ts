import { PortkitError } from '../../base/errors.ts';
import { printable, printableJson } from '../../base/printable.ts';
import { showSize } from '../../base/units.ts';
import type { Annotations, Descriptor } from '../../oci/model/descriptor.ts';
import { familyOfArtifactType } from '../../oci/model/families.ts';
import { isImage } from '../../oci/model/manifest.ts';
import type { Manifest } from '../../oci/model/manifest.ts';
import { showPlatform } from '../../oci/model/platform.ts';
import { readManifest } from '../../oci/model/read.ts';
import { parsePlace, showPlace } from '../../oci/place/place.ts';
import type { Command } from '../command.ts';
import { openPlaces, registryOptions, registryStatuses } from '../oci/open.ts';
import { oneWord } from '../oci/words.ts';
import { flag } from '../values.ts';

/** `portkit inspect`: what an artifact or image is made of. */
export const inspect: Command = {
  usage: 'inspect REF [--json]',
  about: [
    'What REF stands for: its digest and kind, what it is made of, its annotations, and what refers to it.',
    registryStatuses,
  ].join('\n'),
  words: 1,
  options: { json: { type: 'boolean', help: 'print the result as JSON' }, ...registryOptions },
  async run(invocation) {
    const { words, options, signal, print } = invocation;
    const place = parsePlace(oneWord('inspect REF', words));
    await using places = await openPlaces(invocation);
    const { source, name } = await places.source(place);
    const root = await source.resolve(name, signal);
    if (root === undefined) throw new PortkitError('PK4001', `${showPlace(place)} is not there`);
    const manifest = await readManifest(source, root, signal);
    const referrers = source.referring === undefined ? [] : await Array.fromAsync(source.referring.referrers(root, signal));
    if (flag(options, 'json')) {
      const { raw: _, ...document } = manifest;
      const said = { version: 1, reference: showPlace(place), ...root, kind: kindOf(manifest), manifest: document, referrers };
      print(printableJson(said));
    } else
      print([...head(showPlace(place), root, manifest), ...body(manifest), ...tail(manifest.annotations, referrers)].join('\n'));
    return 0;
  },
};

function kindOf(manifest: Manifest): string {
  if (isImage(manifest)) return manifest.kind === 'index' ? 'index' : 'image';
  const { artifactType } = manifest;
  const family = artifactType === undefined ? undefined : familyOfArtifactType(artifactType);
  return family === undefined ? 'artifact' : `${family} artifact`;
}

function head(shown: string, { digest, size, mediaType }: Descriptor, manifest: Manifest): readonly string[] {
  const type = manifest.artifactType === undefined ? [] : [`  type:     ${printable(manifest.artifactType)}`];
  return [
    `${printable(shown)}: ${kindOf(manifest)}`,
    `  digest:   ${digest}  (${showSize(size)})`,
    `  media:    ${printable(mediaType)}`,
    ...type,
  ];
}

function body(manifest: Manifest): readonly string[] {
  if (manifest.kind === 'index') return manifest.manifests.map((one) => `  manifest: ${describe(one)}`);
  return [`  config:   ${describe(manifest.config)}`, ...manifest.layers.map((one) => `  layer:    ${describe(one)}`)];
}

function describe({ digest, size, mediaType, platform, annotations }: Descriptor): string {
  const title = annotations?.['org.opencontainers.image.title'];
  const more = [platform && showPlatform(platform), title].flatMap((text) => (text === undefined ? [] : [printable(text)]));
  return [digest, `(${showSize(size)})`, printable(mediaType), ...more].join('  ');
}

function tail(annotations: Annotations, referrers: readonly Descriptor[]): readonly string[] {
  return [
    ...Object.entries(annotations).map(([name, text]) => `  ${printable(name)} = ${printable(text)}`),
    ...referrers.map(({ digest, artifactType = 'unknown' }) => `  referrer: ${printable(artifactType)}  ${digest}`),
  ];
}
