import { mkdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { onFile } from '../../artifacts/copies/failure.ts';
import { PortkitError } from '../../base/errors.ts';
import { showSize } from '../../base/units.ts';
import { pullToCache } from '../../oci/cache/cache.ts';
import { choosePlatform } from '../../oci/copy/platform.ts';
import type { CopyFrom } from '../../oci/copy/copy.ts';
import type { Descriptor } from '../../oci/model/descriptor.ts';
import { familyOfArtifactType } from '../../oci/model/families.ts';
import { isImage } from '../../oci/model/manifest.ts';
import type { ImageManifest, Manifest } from '../../oci/model/manifest.ts';
import { mediaTypes } from '../../oci/model/media-types.ts';
import { parsePlatform } from '../../oci/model/platform.ts';
import { readManifest } from '../../oci/model/read.ts';
import { parseReference, showReference } from '../../oci/model/reference.ts';
import type { Reference } from '../../oci/model/reference.ts';
import { notThere } from '../../oci/place/not-there.ts';
import { hasScheme } from '../../oci/place/place.ts';
import { fileNameOf } from '../../oci/typed/title.ts';
import { openStoreAt } from '../../wiring.ts';
import type { Command, Invocation } from '../command.ts';
import { storeOptions, storeRoot } from '../context.ts';
import { openPlaces, registryOptions } from '../oci/open.ts';
import { watchCopy, watchFile } from '../oci/transfers.ts';
import { oneWord } from '../oci/words.ts';
import { writeOut } from '../output.ts';
import { flag, outputOption, textOption } from '../values.ts';
import { writeWholeFile } from '../write-file.ts';

/** `portkit pull`: an artifact as files, or an image into the store. */
export const pull: Command = {
  usage: 'pull REF [-o FILE|DIR] [--platform P] [OPTION…]',
  about: [
    'What REF is decides. An image goes to the store, from where "portkit push" sends it on. Of an artifact of a family, the',
    'configuration goes to -o FILE or standard output; of another one, its only layer does. -o DIR gets all of its files;',
    'it is made where there are several, and where it is written with a slash at its end.',
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
    ...storeOptions,
    ...registryOptions,
  },
  async run(invocation) {
    const { words, options, signal } = invocation;
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
    if (start === undefined) throw notThere({ kind: 'registry', reference });
    const found = await readManifest(from.source, start, signal);
    if (isImage(found)) return await pullImage(from, { reference, start }, invocation);
    const root = found.kind === 'index' ? await ofPlatform(from, { start, found }, invocation) : start;
    const manifest = await readManifest(from.source, root, signal);
    if (manifest.kind === 'index') throw new PortkitError('PK4002', `${root.digest} is an index within an index`);
    return await pullArtifact({ from, manifest, root, reference, output: outputOption(options) }, invocation);
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
  readonly output: string | undefined;
}

async function pullArtifact({ from: { source }, manifest, root, reference, output }: Artifact, invocation: Invocation) {
  const { options, signal, print } = invocation;
  const files = filesOf(manifest);
  const main = mainOf(files, manifest);
  const there = output === undefined ? undefined : statSync(output, { throwIfNoEntry: false });
  // A file cannot take several: a folder is what was meant, as with a slash at the end.
  const meansFolder = there === undefined && (main === undefined || output?.endsWith('/') === true);
  const isFolder = output !== undefined && (there?.isDirectory() === true || meansFolder);
  if (main === undefined && !isFolder) throw severalFiles(files, showReference(reference));
  if (isFolder) await onFile('make', output, () => mkdirSync(output, { recursive: true }));
  const chosen = isFolder || main === undefined ? files : [main];
  const written: { readonly path: string; readonly digest: string; readonly size: number }[] = [];
  for (const { name, descriptor } of chosen) {
    const content = await source.fetch(descriptor, signal);
    const { digest, size } = descriptor;
    if (output === undefined) await writeOut(content);
    else {
      const path = isFolder ? join(output, name) : output;
      await writeWholeFile(path, watchFile(content, { name, size }, invocation));
      written.push({ path, digest, size });
    }
  }
  if (output === undefined) return 0;
  const shown = showReference({ ...reference, digest: root.digest });
  if (flag(options, 'json')) {
    const { artifactType } = manifest;
    print(
      JSON.stringify(
        { version: 1, kind: 'artifact', artifactType, reference: shown, digest: root.digest, files: written },
        null,
        2,
      ),
    );
  } else print(written.map(({ path, digest, size }) => `${path}  ${digest}  (${showSize(size)})`).join('\n'));
  return 0;
}

interface NamedFile {
  readonly name: string;
  readonly descriptor: Descriptor;
  readonly isConfig: boolean;
}

/** The files of an artifact: its configuration when it has one, and its layers by their titles; two of one name are refused. */
function filesOf({ config, layers }: ImageManifest): readonly NamedFile[] {
  const isEmpty = ({ mediaType }: Descriptor): boolean => mediaType === mediaTypes.empty;
  const files = [
    ...(isEmpty(config) ? [] : [{ name: 'config.json', descriptor: config, isConfig: true }]),
    ...layers.flatMap((descriptor, at) =>
      isEmpty(descriptor) ? [] : [{ name: fileNameOf(descriptor, at), descriptor, isConfig: false }],
    ),
  ];
  const twice = files.find(({ name }, at) => files.findIndex((other) => other.name === name) < at);
  if (twice === undefined) return files;
  throw new PortkitError('PK4002', `Two files of the artifact have the name ${JSON.stringify(twice.name)}`);
}

/** The file that an artifact is about, if that is a single one. */
function mainOf(files: readonly NamedFile[], { artifactType }: ImageManifest): NamedFile | undefined {
  const layers = files.filter(({ isConfig }) => !isConfig);
  const config = files.find(({ isConfig }) => isConfig);
  const [only, ...others] = familyOfArtifactType(artifactType) !== undefined && config !== undefined ? [config] : layers;
  return others.length === 0 ? only : undefined;
}

function severalFiles(files: readonly NamedFile[], shown: string): PortkitError {
  const count = files.filter(({ isConfig }) => !isConfig).length;
  return new PortkitError('PK1001', `${shown} is an artifact of ${count} files`, { hint: 'Name a folder for them with -o DIR' });
}
