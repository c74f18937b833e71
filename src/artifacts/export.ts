import type { ExportContext, Exporter, Prepared, Receipt, Target } from './exporter.ts';

/**
 * Gives the targets to all exporters. None publishes before all of them have prepared; when one fails, what the others
 * prepared is cleared away, and only what was published before a failing `publish` stays.
 */
export async function exportAll(
  exporters: readonly Exporter[],
  targets: readonly Target[],
  context: ExportContext,
): Promise<readonly Receipt[]> {
  using prepared = new DisposableStack();
  const ready: Prepared[] = [];
  for (const exporter of exporters) ready.push(prepared.use(await exporter.prepare(targets, context)));
  const receipts: Receipt[] = [];
  for (const one of ready) receipts.push(await one.publish(context.signal));
  return receipts;
}
