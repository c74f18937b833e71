import { never } from '../base/exhaustive.ts';
import type { BuildEvent } from '../progress/event.ts';
import { emptyView, foldEvent } from '../progress/view.ts';
import type { BuildView, StepRow } from '../progress/view.ts';
import type { Clock, Face, Write } from './face.ts';
import { retryText, tookText, transferText, troubleLines, whyText } from './lines.ts';
import { buildTime } from './now.ts';
import type { Style } from './style.ts';
import { shownLine } from './text.ts';
import { listed, totals } from './totals.ts';

/** How long a build may say nothing. */
const heartbeat = 30_000;

interface PlainWorld {
  readonly write: Write;
  readonly clock: Clock;
  readonly style: Style;
}

/** Lines for a log: the start and the end of each step that runs, failures with their output, a heartbeat, the totals. */
export function plainFace({ write, clock, style }: PlainWorld): Face {
  const view = emptyView();
  const time = buildTime(clock);
  const stop = clock.every(heartbeat, () => {
    if (view.running.size === 0) return;
    const running = [...view.running].map((row) => stillRunning(row, tookText(row, time.now())));
    write(`still running: ${listed(running)}\n`);
  });
  return {
    take(event) {
      foldEvent(view, event);
      time.heard(event.at);
      const lines = linesFor(event, view, style);
      if (lines.length > 0) write(`${lines.join('\n')}\n`);
    },
    end() {
      stop();
      if (view.state !== 'waiting') write(`${totals(view)}\n`);
    },
  };
}

function linesFor(event: BuildEvent, view: BuildView, style: Style): readonly string[] {
  if (!('step' in event)) return troubleLines(event, view, style);
  const row = view.steps.get(event.step);
  if (row === undefined) return [];
  const name = shownLine(event.step);
  const took = tookText(row, view.at);
  switch (event.type) {
    case 'step.started':
      return [`${name}: started: ${whyText(event.reasons)}`];
    case 'step.finished':
      return [took === '' ? `${name}: done` : `${name}: done in ${took}`];
    case 'step.cancelled':
      // What waits for others may be cancelled by the thousand: only what ran is told of.
      return took === '' ? [] : [`${name}: cancelled after ${took}`];
    case 'step.failed':
      return [took === '' ? `${name}: failed` : `${name}: failed after ${took}`, ...troubleLines(event, view, style)];
    case 'retry':
      return [`${name}: ${retryText(event)}`];
    case 'step.queued':
    case 'step.cached':
    case 'output':
    case 'transfer':
      return [];
    default:
      return never(event);
  }
}

function stillRunning({ step, transfer }: StepRow, took: string): string {
  return `${step} (${transfer === undefined ? took : `${took}, ${transferText(transfer)}`})`;
}
