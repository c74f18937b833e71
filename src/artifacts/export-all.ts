import type { Ref } from '../base/ref.ts';
import type { ExportContext, Exporter, Receipt } from './exporter.ts';

/** Exports the results of a build: all exporters prepare before the first publishes, and what was not published is cleared away. */
export async function exportAll(
  exporters: readonly Exporter[],
  targets: Readonly<Record<string, Ref>>,
  context: ExportContext,
): Promise<readonly Receipt[]> {
  const named = Object.entries(targets).map(([name, ref]) => ({ name, ref }));
  using held = new DisposableStack();
  const prepared = [];
  for (const exporter of exporters) prepared.push(held.use(await exporter.prepare(named, context)));
  const receipts: Receipt[] = [];
  for (const one of prepared) receipts.push(await one.publish(context.signal));
  return receipts;
}
