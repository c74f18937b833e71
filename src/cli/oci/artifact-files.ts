import { mkdirSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { onFile } from '../../artifacts/copies/failure.ts';
import { makeFolder } from '../../artifacts/copies/folder.ts';
import { PortkitError } from '../../base/errors.ts';
import { observed } from '../../oci/copy/observed.ts';
import type { CopyEvent } from '../../oci/copy/events.ts';
import type { Descriptor } from '../../oci/model/descriptor.ts';
import { familyOfArtifactType } from '../../oci/model/families.ts';
import type { ImageManifest } from '../../oci/model/manifest.ts';
import { mediaTypes } from '../../oci/model/media-types.ts';
import type { Source } from '../../oci/model/ports.ts';
import { checkApart, filePathOf } from '../../oci/typed/title.ts';
import type { Invocation } from '../command.ts';
import { writeOut } from '../output.ts';
import { outputOption } from '../values.ts';
import { takeWholeFile, writeWholeFile } from '../write-file.ts';
import { watchCopy } from './transfers.ts';

/** An artifact whose files are wanted. */
export interface ArtifactToWrite {
  readonly source: Source;
  readonly manifest: ImageManifest;
  /** As messages name it. */
  readonly shown: string;
}

/** A file that was written. */
export interface WrittenFile {
  readonly path: string;
  readonly digest: string;
  readonly size: number;
}

/** Writes the files of an artifact to where `-o` says; undefined when its only one went to standard output. */
export async function writeFiles(
  { source, manifest, shown }: ArtifactToWrite,
  { options, signal }: Pick<Invocation, 'options' | 'signal'>,
): Promise<readonly WrittenFile[] | undefined> {
  const output = outputOption(options);
  const files = filesOf(manifest);
  const main = mainOf(files, manifest);
  const there = output === undefined ? undefined : statSync(output, { throwIfNoEntry: false });
  // A file cannot take several: a folder is what was meant, as with a slash at the end.
  const meansFolder = there === undefined && (main === undefined || output?.endsWith('/') === true);
  const isFolder = output !== undefined && (there?.isDirectory() === true || meansFolder);
  if (main === undefined && !isFolder) throw severalFiles(files, shown);
  if (output === undefined) {
    if (main !== undefined) await writeOut(await source.fetch(main.descriptor, signal));
    return undefined;
  }
  if (isFolder) await onFile('make the folder', output, () => mkdirSync(output, { recursive: true }));
  using watch = watchCopy({ options });
  const written: WrittenFile[] = [];
  for (const { name, descriptor } of isFolder || main === undefined ? files : [main]) {
    // A link that somebody put there may not lead out of the folder.
    if (isFolder) await onFile('make the folder', join(output, name), () => makeFolder({ root: output, path: name }));
    const path = isFolder ? join(output, name) : output;
    await bring(path, descriptor, { source, signal, onEvent: watch.onEvent });
    written.push({ path, digest: descriptor.digest, size: descriptor.size });
  }
  return written;
}

interface Bringing {
  readonly source: Source;
  readonly signal: AbortSignal;
  readonly onEvent: (event: CopyEvent) => void;
}

/** Brings a blob to a path: its part is moved there, or its bytes are written. */
async function bring(path: string, descriptor: Descriptor, { source, signal, onEvent }: Bringing): Promise<void> {
  const tell = (state: CopyEvent['state'], bytes: number) => onEvent({ type: 'blob', descriptor, state, bytes });
  const wish = { beside: dirname(path), signal, progress: (bytes: number) => tell('progress', bytes) };
  if ((await source.filing?.file(descriptor, wish, (file) => takeWholeFile(path, file))) === true) {
    return tell('stored', descriptor.size);
  }
  await writeWholeFile(path, observed(await source.fetch(descriptor, signal), descriptor, onEvent));
}

interface NamedFile {
  readonly name: string;
  readonly descriptor: Descriptor;
  readonly isConfig: boolean;
}

/** The files of an artifact: its configuration when it has one, and its layers by their titles. */
function filesOf({ config, layers }: ImageManifest): readonly NamedFile[] {
  const isEmpty = ({ mediaType }: Descriptor): boolean => mediaType === mediaTypes.empty;
  const contents = layers.flatMap((descriptor, at) =>
    isEmpty(descriptor) ? [] : [{ name: filePathOf(descriptor, at), descriptor, isConfig: false }],
  );
  // Models have a file of that name among their own.
  const isTaken = contents.some(({ name }) => name.toLowerCase() === 'config.json');
  const name = isTaken ? `config-${config.digest.slice(7, 19)}.json` : 'config.json';
  const files = [...(isEmpty(config) ? [] : [{ name, descriptor: config, isConfig: true }]), ...contents];
  checkApart(files.map((file) => file.name));
  return files;
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
