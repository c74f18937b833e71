import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { open, rename } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { checkNames, chooseTargets, PortkitError, tarOf } from 'portkit';
import type { ExportContext, Exporter, PluginOptions, Prepared, Target } from 'portkit';

/** Writes all results as one layer of an artifact in a new OCI image layout: `dest` is the folder, `tag` its name in there. */
export function createExporter({ options, target, directory }: PluginOptions): Exporter {
  const { dest: folder, tag = 'latest', ...unknown } = options;
  const [odd] = Object.keys(unknown);
  if (folder === undefined || odd !== undefined)
    throw new PortkitError('PK3401', odd === undefined ? 'The output has no dest' : `The output has ${odd}, which means nothing`);
  const dest = resolve(directory, folder);
  return {
    check: (targets) => checkNames(target, targets),
    prepare: (targets, context) => prepare({ dest, tag, targets: chooseTargets(target, targets) }, context),
  };
}

interface Work {
  readonly dest: string;
  readonly tag: string;
  readonly targets: readonly Target[];
}

/** The layout is finished beside its destination, where nobody looks for it; publishing puts it there. */
async function prepare({ dest, tag, targets }: Work, context: ExportContext): Promise<Prepared> {
  const staged = mkdtempSync(join(dirname(dest), '.unfinished-'));
  const dispose = (): void => rmSync(staged, { recursive: true, force: true });
  try {
    const tar = tarOf({ dest, src: [], target: [] }, targets);
    const made = join(staged, 'layout');
    mkdirSync(join(made, 'blobs/sha256'), { recursive: true });
    const layer = await writeLayer(made, tar.bytes(context));
    const config = writeBlob(made, 'application/vnd.oci.empty.v1+json', '{}');
    const manifest = {
      schemaVersion: 2,
      mediaType: 'application/vnd.oci.image.manifest.v1+json',
      artifactType: 'application/vnd.example.results.v1',
      config,
      layers: [layer],
    };
    const listed = writeBlob(made, manifest.mediaType, JSON.stringify(manifest));
    const named = { ...listed, annotations: { 'org.opencontainers.image.ref.name': tag } };
    writeFileSync(join(made, 'index.json'), JSON.stringify({ schemaVersion: 2, manifests: [named] }));
    writeFileSync(join(made, 'oci-layout'), '{"imageLayoutVersion":"1.0.0"}');
    return {
      async publish(signal) {
        signal.throwIfAborted();
        if (existsSync(dest)) await rename(dest, join(staged, 'old'));
        await rename(made, dest);
        const receipt = tar.receipt({ written: 1, unchanged: 0 });
        return { ...receipt, type: 'example' };
      },
      [Symbol.dispose]: dispose,
    };
  } catch (error) {
    dispose();
    throw error;
  }
}

interface Descriptor {
  readonly mediaType: string;
  readonly digest: string;
  readonly size: number;
}

function writeBlob(layout: string, mediaType: string, text: string): Descriptor {
  const hex = createHash('sha256').update(text).digest('hex');
  writeFileSync(join(layout, 'blobs/sha256', hex), text);
  return { mediaType, digest: `sha256:${hex}`, size: Buffer.byteLength(text) };
}

/** A layer can be large: it goes to its file as it comes. */
async function writeLayer(layout: string, bytes: AsyncIterable<Uint8Array>): Promise<Descriptor> {
  const path = join(layout, 'blobs/sha256/unfinished');
  const hash = createHash('sha256');
  let size = 0;
  {
    await using file = await open(path, 'wx');
    for await (const chunk of bytes) {
      hash.update(chunk);
      size += chunk.length;
      await file.writeFile(chunk);
    }
  }
  const hex = hash.digest('hex');
  renameSync(path, join(layout, 'blobs/sha256', hex));
  return { mediaType: 'application/vnd.oci.image.layer.v1.tar', digest: `sha256:${hex}`, size };
}
