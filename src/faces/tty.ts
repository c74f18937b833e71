import type { BuildEvent } from '../progress/event.ts';
import { emptyView, foldEvent } from '../progress/view.ts';
import type { BuildView, StepRow } from '../progress/view.ts';
import type { Clock, Face, Write } from './face.ts';
import { liveLines } from './frame.ts';
import type { Size } from './frame.ts';
import { retryText, tookText, troubleLines, whyText } from './lines.ts';
import { buildTime } from './now.ts';
import { createPainter } from './painter.ts';
import type { Style } from './style.ts';
import { padTo, shownLine } from './text.ts';
import { totals } from './totals.ts';

/** Time between two frames. */
const frameTime = 100;

interface TtyWorld {
  readonly write: Write;
  /** The size of the terminal now; asked at every frame, so a resize needs no event. */
  readonly size: () => Size;
  readonly clock: Clock;
  readonly style: Style;
}

/** A terminal: what is over stays as lines, what runs is drawn over at the bottom. */
export function ttyFace({ write, size, clock, style }: TtyWorld): Face {
  const view = emptyView();
  const time = buildTime(clock);
  const paint = createPainter(write);
  let lasting: string[] = [];
  function draw(): void {
    const room = sizeOr(size());
    const live = view.state === 'running' ? liveLines({ view, now: time.now(), size: room, style }) : [];
    paint({ lasting, live, size: room });
    lasting = [];
  }
  const stop = clock.every(frameTime, draw);
  return {
    take(event) {
      foldEvent(view, event);
      time.heard(event.at);
      lasting.push(...lastingLines(event, view, style));
    },
    end() {
      stop();
      if (view.state !== 'waiting') lasting.push(totals(view));
      paint({ lasting, live: [], size: sizeOr(size()) });
    },
  };
}

/** Some terminals do not know their size. */
function sizeOr({ columns, rows }: Size): Size {
  return { columns: columns > 0 ? columns : 80, rows: rows > 0 ? rows : 24 };
}

function lastingLines(event: BuildEvent, view: BuildView, style: Style): readonly string[] {
  const row = 'step' in event ? view.steps.get(event.step) : undefined;
  if (row === undefined) return troubleLines(event, view, style);
  if (event.type === 'step.finished') {
    return [`${style('good', '✓')} ${headOf(row)}  ${style('quiet', whyText(row.reasons))}`];
  }
  if (event.type === 'step.failed') return [`${style('bad', '✗')} ${headOf(row)}`, ...troubleLines(event, view, style)];
  // A step that runs shows it as its output; one that is only asked what it would do has no row.
  if (event.type === 'retry' && row.startedAt === undefined) return [`${shownLine(row.step)}: ${retryText(event)}`];
  // What never ran is only counted, as in the lines for logs.
  if (event.type !== 'step.cancelled' || row.startedAt === undefined) return [];
  return [`${style('careful', '-')} ${headOf(row)}  cancelled`];
}

function headOf(row: StepRow): string {
  return `${padTo(shownLine(row.step), 22)}  ${tookText(row, row.endedAt ?? 0).padStart(8)}`;
}
