/** What is looked for in a stream. */
export interface Sought {
  /** What it begins with. */
  readonly begin: string;
  /** What it ends with. */
  readonly end: string;
  /** The most bytes between the two. */
  readonly most: number;
  /** Whether what was between is what is meant; if not, the search goes on. */
  readonly accept?: (between: Buffer) => boolean;
}

/** Looks for one piece of a stream that is handed to it in large parts. */
export interface Catcher {
  see(part: Buffer, isLast: boolean): void;
  /** What was between begin and end; undefined when it is not there. */
  caught(): Buffer | undefined;
}

/** Beginnings without an end are cheap to write and dear to follow, so that many of them end the search. */
const mostFailures = 16;

/** A catcher of the first piece that is accepted; between parts it keeps no more than one such piece. */
export function catcher({ begin, end, most, accept = () => true }: Sought): Catcher {
  const opening = Buffer.from(begin, 'latin1');
  let held: Buffer = Buffer.alloc(0);
  let found: Buffer | undefined;
  let failures = 0;
  return {
    see(part, isLast) {
      if (found !== undefined || failures === mostFailures) return;
      held = held.length === 0 ? part : Buffer.concat([held, part]);
      while (failures < mostFailures) {
        const at = held.indexOf(opening);
        if (at < 0) {
          held = Buffer.from(held.subarray(Math.max(0, held.length - opening.length + 1)));
          return;
        }
        const piece = held.subarray(at + opening.length, at + opening.length + most + end.length);
        const to = piece.indexOf(end, 0, 'latin1');
        if (to < 0 && piece.length < most + end.length && !isLast) {
          held = Buffer.from(held.subarray(at));
          return;
        }
        if (to >= 0 && accept(piece.subarray(0, to))) {
          found = Buffer.from(piece.subarray(0, to));
          return;
        }
        failures += 1;
        held = held.subarray(at + opening.length);
      }
      held = Buffer.alloc(0);
    },
    caught: () => found,
  };
}
