import { PortkitError } from '../../base/errors.ts';
import { showSize } from '../../base/units.ts';
import { pullToCache } from '../../oci/cache/cache.ts';
import { choosePlatform } from '../../oci/copy/platform.ts';
import type { CopyFrom } from '../../oci/copy/copy.ts';
import type { Descriptor } from '../../oci/model/descriptor.ts';
import { isImage } from '../../oci/model/manifest.ts';
import type { ImageManifest, Manifest } from '../../oci/model/manifest.ts';
import { parsePlatform } from '../../oci/model/platform.ts';
import { readManifest } from '../../oci/model/read.ts';
import { parseReference, showReference } from '../../oci/model/reference.ts';
import type { Reference } from '../../oci/model/reference.ts';
import { hasScheme } from '../../oci/place/place.ts';
import { openStoreAt } from '../../wiring.ts';
import type { Command, Invocation } from '../command.ts';
import { storeOptions, storeRoot } from '../context.ts';
import { writeFiles } from '../oci/artifact-files.ts';
import { openPlaces, registryOptions, registryStatuses } from '../oci/open.ts';
import { requireTrust, trustOptions } from '../oci/trust.ts';
import { watchCopy } from '../oci/transfers.ts';
import { oneWord } from '../oci/words.ts';
import { flag, textOption } from '../values.ts';

/** `portkit pull`: an artifact as files, or an image into the store. */
export const pull: Command = {
  usage: 'pull REF [-o FILE|DIR] [--platform P] [OPTION…]',
  about: [
    'What REF is decides. An image goes to the store, from where "portkit push" sends it on. Of an artifact of a family, the',
    'configuration goes to -o FILE or standard output; of another one, its only layer does. -o DIR gets all of its files;',
    'of several, it is made.',
    registryStatuses,
  ].join('\n'),
  words: 1,
  options: {
    output: {
      type: 'string',
      short: 'o',
      value: 'FILE|DIR',
      help: 'where the files of an artifact go; a folder gets all',
    },
    platform: {
      type: 'string',
      value: 'OS/ARCH',
      help: 'what is taken of an index (default: all of an image; of an artifact, what is for this machine)',
    },
    quiet: { type: 'boolean', short: 'q', help: 'show no progress' },
    ...trustOptions,
    ...storeOptions,
    ...registryOptions,
  },
  async run(invocation) {
    const { words, signal } = invocation;
    const name = oneWord('pull REF [-o FILE|DIR]', words);
    if (hasScheme(name)) {
      throw new PortkitError('PK4005', `${JSON.stringify(name)} is no registry's, and only those are pulled from`, {
        hint: 'For a layout or archive: portkit copy FROM TO',
      });
    }
    const reference = parseReference(name);
    await using places = await openPlaces(invocation);
    const from = await places.source({ kind: 'registry', reference });
    const start = await from.source.resolve(from.name, signal);
    if (start === undefined) throw new PortkitError('PK4001', `${showReference(reference)} is not there`);
    await requireTrust({ source: from.source, root: start }, invocation);
    const found = await readManifest(from.source, start, signal);
    if (isImage(found)) return await pullImage(from, { reference, start }, invocation);
    const root = found.kind === 'index' ? await ofPlatform(from, { start, found }, invocation) : start;
    const manifest = await readManifest(from.source, root, signal);
    if (manifest.kind === 'index') throw new PortkitError('PK4002', `${root.digest} is an index within an index`);
    return await pullArtifact({ from, manifest, root, reference }, invocation);
  },
};

async function pullImage(
  from: CopyFrom,
  { reference, start }: { readonly reference: Reference; readonly start: Descriptor },
  invocation: Invocation,
): Promise<number> {
  const { options, signal, print } = invocation;
  if (options['output'] !== undefined) {
    throw new PortkitError('PK4004', `${showReference(reference)} is an image, and goes to the store`, {
      hint: `For a layout of it: portkit copy ${showReference(reference)} oci:DIR`,
    });
  }
  const platform = textOption(options, 'platform');
  await using store = openStoreAt(storeRoot(options['root']));
  using watch = watchCopy(invocation);
  const pinned = { ...from, name: start.digest };
  const copying = { signal, onEvent: watch.onEvent, ...(platform !== undefined && { platform: parsePlatform(platform) }) };
  const { digest } = await pullToCache(pinned, { reference, store }, copying);
  const shown = showReference({ ...reference, digest });
  print(flag(options, 'json') ? JSON.stringify({ version: 1, kind: 'image', reference: shown, digest }, null, 2) : shown);
  return 0;
}

/** The manifest for a platform; the only one there is needs no choosing. */
function ofPlatform(
  { source }: CopyFrom,
  { start, found }: { readonly start: Descriptor; readonly found: Manifest },
  { options, signal }: Invocation,
): Promise<Descriptor> {
  const said = textOption(options, 'platform');
  const [only, ...others] = found.kind === 'index' ? found.manifests : [];
  if (said === undefined && only !== undefined && others.length === 0) return Promise.resolve(only);
  const native = `linux/${process.arch === 'x64' ? 'amd64' : process.arch}`;
  return choosePlatform(source, { start, platform: parsePlatform(said ?? native) }, signal);
}

interface Artifact {
  readonly from: CopyFrom;
  readonly manifest: ImageManifest;
  readonly root: Descriptor;
  readonly reference: Reference;
}

async function pullArtifact({ from: { source }, manifest, root, reference }: Artifact, invocation: Invocation) {
  const { options, print } = invocation;
  const { artifactType } = manifest;
  const files = await writeFiles({ source, manifest, shown: showReference(reference) }, invocation);
  if (files === undefined) return 0;
  if (flag(options, 'json')) {
    const { digest } = root;
    const shown = showReference({ ...reference, digest });
    print(JSON.stringify({ version: 1, kind: 'artifact', artifactType, reference: shown, digest, files }, null, 2));
  } else print(files.map(({ path, digest, size }) => `${path}  ${digest}  (${showSize(size)})`).join('\n'));
  return 0;
}
