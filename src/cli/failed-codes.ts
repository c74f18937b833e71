import { codes } from '../base/errors.ts';
import type { ErrorCode } from '../base/errors.ts';
import type { BuildEvent } from '../progress/event.ts';

/** Gathers what steps failed with. */
export interface FailedCodes {
  take(event: BuildEvent): void;
  /** All failures of one kind have their own status; different ones are a failed build. */
  exitStatus(): number;
}

/** Begins with none. */
export function gatherFailedCodes(): FailedCodes {
  const failed: ErrorCode[] = [];
  return {
    take(event) {
      if (event.type === 'step.failed' && Object.hasOwn(codes, event.code)) failed.push(event.code as ErrorCode);
    },
    exitStatus() {
      const statuses = new Set(failed.map((code) => codes[code].exit));
      const [only = 1] = statuses;
      return statuses.size === 1 ? only : 1;
    },
  };
}
