import { showDuration } from '../base/units.ts';
import { summarize } from '../progress/summary.ts';
import type { BuildView } from '../progress/view.ts';
import { shownLine } from './text.ts';

/** Names that a list shows; the others are counted. */
const named = 5;

/** The last line of a build: `built 3 of 12 steps in 4.2 s: 9 cached; slowest: kernel 3.1 s`. */
export function totals(view: BuildView): string {
  const { counts, unneeded, elapsed, slowest } = summarize(view, 3);
  const ok = view.state === 'done';
  const all = Math.max(view.total, view.steps.size);
  const failed = [...view.steps.values()].filter((row) => row.state === 'failed').map((row) => row.step);
  const details = [
    // Of a build that went well, what nobody asked for was known; of another nobody knows.
    counted(counts.cached + (ok ? unneeded : 0), 'cached'),
    failed.length > 0 ? `${failed.length} failed (${listed(failed)})` : '',
    counted(counts.cancelled + counts.queued + counts.running, 'not finished'),
    counted(view.warnings.length, view.warnings.length === 1 ? 'warning' : 'warnings'),
  ].filter((text) => text !== '');
  const head = ok ? 'built' : failed.length > 0 ? 'failed: built' : 'stopped: built';
  const steps = `${counts.done} of ${all} ${all === 1 ? 'step' : 'steps'} in ${showDuration(elapsed)}`;
  const slow = slowest.map(({ step, took }) => `${shownLine(step)} ${showDuration(took)}`).join(', ');
  return `${head} ${steps}${details.length > 0 ? `: ${details.join(', ')}` : ''}${slow === '' ? '' : `; slowest: ${slow}`}`;
}

/** Names in a row, the first few of them. */
export function listed(names: readonly string[]): string {
  const shown = names.slice(0, named).map(shownLine);
  if (names.length > named) shown.push(`and ${names.length - named} more`);
  return shown.join(', ');
}

function counted(count: number, what: string): string {
  return count === 0 ? '' : `${count} ${what}`;
}
