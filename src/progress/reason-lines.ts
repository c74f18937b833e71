import { printable } from '../base/printable.ts';
import type { Reason } from './event.ts';
import { reasonText } from './reason.ts';

/** Reasons at length: one line each, values in full, and the first changed paths of inputs below. */
export function reasonLines(reasons: readonly Reason[]): readonly string[] {
  return reasons.flatMap((reason) => {
    const { before, after, paths = [] } = reason;
    const head = reasonText([{ ...reason, paths: [] }]);
    const values = head.includes('→') || before === undefined || after === undefined ? [] : [`  - ${before}`, `  + ${after}`];
    return [head, ...values.map(printable), ...paths.map((path) => printable(`    ${path}`))];
  });
}
