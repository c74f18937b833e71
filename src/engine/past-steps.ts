import type { Digest } from '../base/digest.ts';
import type { BuildEvent, Reason } from '../progress/event.ts';
import type { Results } from '../solver/ports.ts';
import type { PastStep } from './history.ts';

/** Listens to a build and writes down what its steps did. */
export interface StepRecorder {
  readonly emit: (event: BuildEvent) => void;
  /** The same results; who saves through them is listened to. */
  noting(results: Results): Results;
  ran(): readonly PastStep[];
}

/** A recorder in front of whoever watches the build. */
export function recordSteps(next: (event: BuildEvent) => void): StepRecorder {
  const started = new Map<string, { readonly at: number; readonly reasons: readonly Reason[] }>();
  const ended: Omit<PastStep, 'key'>[] = [];
  const keys = new Map<string, Digest>();
  return {
    emit(event) {
      if (event.type === 'step.started') started.set(event.step, event);
      if (event.type === 'step.finished' || event.type === 'step.failed') {
        const { at = event.at, reasons = [] } = started.get(event.step) ?? {};
        const log = event.type === 'step.failed' && event.log !== undefined ? { log: event.log } : {};
        ended.push({ step: event.step, ok: event.type === 'step.finished', reasons, took: event.at - at, ...log });
      }
      next(event);
    },
    noting: (results) => ({
      ...results,
      save(finished) {
        results.save(finished);
        for (const {
          keys: [key],
          ran,
        } of finished)
          if (ran !== undefined && key !== undefined) keys.set(ran.step, key);
      },
    }),
    ran: () =>
      ended.map((step) => {
        const key = keys.get(step.step);
        return key === undefined ? step : { ...step, key };
      }),
  };
}
