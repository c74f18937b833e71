import { describe, test } from 'vitest';
import { exporterConformance } from '../../src/artifacts/conformance/exporter.ts';
import type { OpenTried } from '../../src/artifacts/conformance/exporter.ts';

/** What every exporter must do; each one's test runs it. `published` shows all that can be seen of what it wrote. */
export function exporterContract(name: string, open: OpenTried): void {
  describe(`${name} keeps the contract of an exporter`, () => {
    for (const { name: what, run } of exporterConformance(open)) test(what, run);
  });
}
