import type { Place, Report } from '../read/report.ts';

/** One thing that is wrong with an image. */
export interface Finding {
  readonly place: Place;
  readonly what: string;
}

/** Takes findings up to a number; the image that has more is no less damaged. */
export interface Findings {
  readonly list: readonly Finding[];
  readonly report: Report;
}

/** A list that takes at most this many findings. */
export function collectFindings(most: number): Findings {
  const list: Finding[] = [];
  return {
    list,
    report(place, what) {
      if (list.length < most) list.push({ place, what });
    },
  };
}
