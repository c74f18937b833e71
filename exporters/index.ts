import { resolve } from 'node:path';
import type { Exporter } from '../src/artifacts/exporter.ts';
import { PortkitError } from '../src/base/errors.ts';
import { localExporter } from './local/index.ts';
import { parseOutput } from './output.ts';
import { tarExporter } from './tar/index.ts';

/** What exporters are given of the world. */
export interface ExportWorld {
  /** What relative destinations are relative to. */
  readonly directory: string;
  readonly isRoot: boolean;
  /** Takes the bytes of standard output, in order; resolves when it can take more. */
  readonly writeOut: (bytes: Uint8Array) => Promise<void>;
}

/** The exporters for the texts of all `--output` of one build; only one can have standard output. */
export function exportersFor(outputs: readonly string[], world: ExportWorld): readonly Exporter[] {
  const parsed = outputs.map(parseOutput);
  if (parsed.filter(({ type, dest }) => type === 'tar' && dest === '-').length > 1) {
    throw new PortkitError('PK3401', 'Two outputs want standard output', { hint: 'Give all but one a file: type=tar,dest=FILE' });
  }
  return parsed.map((output) => {
    const toStream = output.type === 'tar' && output.dest === '-';
    const placed = { ...output, dest: toStream ? output.dest : resolve(world.directory, output.dest) };
    return output.type === 'local' ? localExporter(placed, world) : tarExporter(placed, world);
  });
}
