import { lstatSync, writeFileSync } from 'node:fs';
import { onFile } from '../artifacts/copies/failure.ts';
import { exportAll } from '../artifacts/export.ts';
import type { ExportContext, Exporter, Receipt, Target } from '../artifacts/exporter.ts';
import { PortkitError } from '../base/errors.ts';
import { writeFileBy } from './write-file.ts';

/** An output that failed, as it is told in JSON. */
interface FailedOutput {
  /** Which `--output` it is, counted from 1. */
  readonly output: number;
  readonly code: string;
  readonly message: string;
  readonly hint?: string;
}

/** What became of the outputs of a build. */
export interface Published {
  /** What was published, also before one failed. */
  readonly receipts: readonly Receipt[];
  readonly failure?: { readonly error: PortkitError; readonly told: FailedOutput };
}

/** Publishes results; what a user can meet is answered with what was published before it. */
export async function publishAll(
  exporters: readonly Exporter[],
  targets: readonly Target[],
  context: ExportContext,
): Promise<Published> {
  const receipts: Receipt[] = [];
  let current = 0;
  const watch = { begun: (at: number) => void (current = at), published: (receipt: Receipt) => void receipts.push(receipt) };
  try {
    await exportAll(exporters, targets, { ...context, watch });
    return { receipts };
  } catch (error) {
    if (!(error instanceof PortkitError)) throw error;
    const { code, message, hint } = error;
    return { receipts, failure: { error, told: { output: current + 1, code, message, ...(hint !== undefined && { hint }) } } };
  }
}

/** Writes the file of `--metadata-file`: whole or not at all, unless it is a pipe or device. */
export async function writeMetadata(path: string, text: string): Promise<void> {
  const isFile = lstatSync(path, { throwIfNoEntry: false })?.isFile() ?? true;
  if (isFile) await writeFileBy(path, (handle) => handle.writeFile(text));
  else await onFile('write', path, () => writeFileSync(path, text));
}
