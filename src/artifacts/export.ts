import { PortkitError } from '../base/errors.ts';
import type { ExportContext, Exporter, Prepared, Receipt, Target } from './exporter.ts';

/** Is told how far exporting is; what was told stays true when it fails. */
export interface ExportWatch {
  /** Which exporter works now, counted from 0. */
  begun(exporter: number): void;
  published(receipt: Receipt): void;
}

/**
 * Gives the targets to all exporters. None publishes before all of them have prepared; when one fails, what the others
 * prepared is cleared away, and only what was published before a failing `publish` stays.
 */
export async function exportAll(
  exporters: readonly Exporter[],
  targets: readonly Target[],
  { blobs, signal, watch }: ExportContext & { readonly watch?: ExportWatch },
): Promise<readonly Receipt[]> {
  using prepared = new DisposableStack();
  const ready: Prepared[] = [];
  for (const [at, exporter] of exporters.entries()) {
    watch?.begun(at);
    ready.push(prepared.use(await exporter.prepare(targets, { blobs, signal })));
  }
  const receipts: Receipt[] = [];
  try {
    for (const [at, one] of ready.entries()) {
      watch?.begun(at);
      const receipt = await one.publish(signal);
      receipts.push(receipt);
      watch?.published(receipt);
    }
    return receipts;
  } catch (error) {
    throw receipts.length > 0 && error instanceof PortkitError ? withPublished(error, receipts) : error;
  }
}

/** The error, which also says what is visible already. */
function withPublished(error: PortkitError, receipts: readonly Receipt[]): PortkitError {
  const done = `Written before that: ${receipts.map(({ type, destination }) => `${type} ${destination}`).join(', ')}`;
  const { code, message, hint } = error;
  return new PortkitError(code, message, { hint: hint === undefined ? done : `${hint}. ${done}`, cause: error });
}
