import { readFileSync, writeFileSync } from 'node:fs';
import type { Postprocess } from 'portkit';

/** Attaches a page that lists the layers of the artifact. */
export const postprocess: Postprocess = ({ layout, out, manifests, options }, { log }) => {
  const main = manifests.find(({ annotations }) => annotations?.['org.opencontainers.image.ref.name'] !== undefined);
  if (main === undefined) throw new Error('The layout has no named manifest');
  const { layers } = JSON.parse(readFileSync(`${layout}/blobs/${main.digest.replace(':', '/')}`, 'utf8')) as {
    readonly layers: readonly { readonly size: number; readonly annotations: Readonly<Record<string, string>> }[];
  };
  const lines = layers.map(({ size, annotations }) => `- ${annotations['org.opencontainers.image.title']}: ${size} bytes`);
  writeFileSync(`${out}/summary.md`, `# ${String(options['title'])}\n\n${lines.join('\n')}\n`);
  log(`listed ${lines.length} layers`);
  const page = { path: 'summary.md', mediaType: 'text/markdown', name: 'summary.md' };
  return { referrers: [{ artifactType: 'application/vnd.example.summary.v1', layers: [page] }] };
};
