import { resolve } from 'node:path';
import type { Exporter } from '../src/artifacts/exporter.ts';
import { PortkitError } from '../src/base/errors.ts';
import { never } from '../src/base/exhaustive.ts';
import type { TakeLock } from '../src/artifacts/copies/sealed.ts';
import type { OpenRepository } from './oci/registry.ts';
import { parseOutput } from './output.ts';
import type { Output } from './output.ts';

/** What exporters are given of the world. */
export interface ExportWorld {
  /** What relative destinations are relative to. */
  readonly directory: string;
  readonly isRoot: boolean;
  /** Takes the bytes of standard output, in order; resolves when it can take more. */
  readonly writeOut: (bytes: Uint8Array) => Promise<void>;
  readonly takeLock: TakeLock;
  readonly openRepository: OpenRepository;
}

/** The exporters for the texts of all `--output` of one build; only one can have standard output. */
export async function exportersFor(outputs: readonly string[], world: ExportWorld): Promise<readonly Exporter[]> {
  const parsed = outputs.map(parseOutput);
  if (parsed.filter(toStream).length > 1) {
    throw new PortkitError('PK3401', 'Two outputs want standard output', { hint: 'Give all but one a file: type=tar,dest=FILE' });
  }
  return Promise.all(
    parsed.map((output) => {
      const dest = toStream(output) || output.dest === '' ? output.dest : resolve(world.directory, output.dest);
      return load({ ...output, dest }, world);
    }),
  );
}

function toStream({ type, dest }: Output): boolean {
  return type === 'tar' && dest === '-';
}

async function load(output: Output, world: ExportWorld): Promise<Exporter> {
  const { type, name = '', from = '', options = {} } = output;
  switch (type) {
    case 'local':
      return (await import('./local/index.ts')).localExporter(output, world);
    case 'tar':
      return (await import('./tar/index.ts')).tarExporter(output, world);
    case 'file-store':
      return (await import('./file-store/index.ts')).fileStoreExporter({ ...output, name }, world);
    case 'oci-layout':
      return (await import('./oci/layout.ts')).layoutExporter(output);
    case 'oci-archive':
      return (await import('./oci/archive.ts')).archiveExporter(output);
    case 'oci-registry':
      return (await import('./oci/registry.ts')).registryExporter({ ...output, name }, world.openRepository);
    case 'plugin':
      return (await import('./plugin/index.ts')).pluginExporter({ ...output, from, options }, world);
    default:
      return never(type);
  }
}
