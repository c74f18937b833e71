import type { Place, Report } from '../read/report.ts';

/** One thing that is wrong with an image. */
export interface Finding {
  readonly place: Place;
  readonly what: string;
}

/** Thrown through a check that has found enough. */
class Enough extends Error {
  override readonly name = 'Enough';
}

/** What a check reports until it ends, or has reported `most` findings: then it is stopped. */
export function collectFindings(most: number, check: (report: Report) => void): readonly Finding[] {
  const list: Finding[] = [];
  try {
    check((place, what) => {
      if (list.length >= most) throw new Enough();
      list.push({ place, what });
    });
  } catch (error) {
    if (!(error instanceof Enough)) throw error;
  }
  return list;
}
