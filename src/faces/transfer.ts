import { showSize } from '../base/units.ts';
import type { Clock, Face, Write } from './face.ts';
import type { Size } from './frame.ts';
import { createPainter } from './painter.ts';
import { clip } from './text.ts';

/** One thing that is moved, as far as it is. */
export interface Transfer {
  /** Tells it from the others. */
  readonly id: string;
  readonly state: 'begun' | 'progress' | 'stored' | 'existed' | 'mounted';
  readonly bytes: number;
  readonly total: number;
}

/** Shows what is moved: a line for each on a terminal, with a bar while it runs; elsewhere a line when it is over. */
export interface TransferFace extends Pick<Face, 'end'> {
  take(transfer: Transfer): void;
}

interface TransferWorld {
  readonly write: Write;
  readonly size: () => Size;
  readonly clock: Clock;
}

const frameTime = 100;
/** The widest bar; on a narrow terminal it gives way to the numbers, and these to the share. */
const barWidth = 24;
const words = { stored: 'copied', existed: 'there already', mounted: 'mounted' } as const;

/** A face that shows nothing. */
export const silentTransfers: TransferFace = { take: () => undefined, end: () => undefined };

/** Lines alone, one for everything that is over. */
export function plainTransfers(write: Write): TransferFace {
  return {
    take(transfer) {
      const line = overLine(transfer);
      if (line !== undefined) write(`${line}\n`);
    },
    end: () => undefined,
  };
}

/** A terminal: bars at the bottom, and above them what is over. */
export function ttyTransfers({ write, size, clock }: TransferWorld): TransferFace {
  const running = new Map<string, Transfer>();
  const paint = createPainter(write);
  let lasting: string[] = [];
  function draw(): void {
    const { columns, rows } = size();
    const room = Math.max(1, Math.min(rows - 1, 12));
    const live = [...running.values()].slice(0, room).map((transfer) => clip(bar(transfer, columns - 1), columns - 1));
    paint({ lasting, live, size: { columns, rows } });
    lasting = [];
  }
  const stop = clock.every(frameTime, draw);
  return {
    take(transfer) {
      const line = overLine(transfer);
      if (line === undefined) running.set(transfer.id, transfer);
      else {
        running.delete(transfer.id);
        lasting.push(line);
      }
    },
    end() {
      stop();
      running.clear();
      draw();
    },
  };
}

function overLine({ id, state, total }: Transfer): string | undefined {
  if (state === 'begun' || state === 'progress') return undefined;
  return `${id}  ${showSize(total)}  ${words[state]}`;
}

function bar({ id, bytes, total }: Transfer, columns: number): string {
  const share = total === 0 ? 1 : Math.min(1, bytes / total);
  const size = showSize(total);
  const said = `${showSize(bytes)} of ${size}`;
  // With room for the longest size, so that the bar does not move while it grows.
  const width = Math.min(barWidth, columns - `${id}  [] 1023.9 KiB of ${size}`.length);
  const short = `${id}  ${said}`;
  if (width < 4) return short.length <= columns ? short : `${id}  ${`${Math.floor(share * 100)}`.padStart(3)}% of ${size}`;
  const filled = Math.floor(share * width);
  return `${id}  [${'#'.repeat(filled)}${' '.repeat(width - filled)}] ${said}`;
}
