import type { BuildEvent } from '../progress/event.ts';
import { reasonText } from '../progress/reason.ts';

/** What became of a step, for programs that read the results of a build. */
export interface StepRecord {
  readonly step: string;
  readonly state: 'cached' | 'done' | 'failed';
  readonly ms: number;
  /** Why it ran. */
  readonly why?: string;
  readonly code?: string;
  readonly message?: string;
  readonly hint?: string;
}

/** Gathers what became of steps. A step that nobody had to ask for, or that was not reached, has no record. */
export interface StepRecords {
  take(event: BuildEvent): void;
  list(): readonly StepRecord[];
}

/** Begins with none. */
export function gatherStepRecords(): StepRecords {
  const begun = new Map<string, { readonly at: number; readonly why: string }>();
  const records = new Map<string, StepRecord>();
  return {
    take(event) {
      if (event.type === 'step.started') begun.set(event.step, { at: event.at, why: reasonText(event.reasons) });
      if (event.type !== 'step.cached' && event.type !== 'step.finished' && event.type !== 'step.failed') return;
      const { step, type } = event;
      const start = begun.get(step);
      const ran = { ms: Math.round(event.at - (start?.at ?? event.at)), ...(start !== undefined && { why: start.why }) };
      if (type === 'step.cached') records.set(step, { step, state: 'cached', ms: 0 });
      else if (type === 'step.finished') records.set(step, { step, state: 'done', ...ran });
      else {
        const { code, message, hint } = event;
        records.set(step, { step, state: 'failed', ...ran, code, message, ...(hint !== undefined && { hint }) });
      }
    },
    list: () => [...records.values()],
  };
}
