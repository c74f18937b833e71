import type { Digest } from '../base/digest.ts';
import { never } from '../base/exhaustive.ts';
import type { BuildEvent, Moment } from './event.ts';

/** Where a step stands. */
export type StepState = 'queued' | 'running' | 'cached' | 'done' | 'failed' | 'cancelled';

/** One step as a face shows it. */
export interface StepRow {
  readonly step: Digest;
  readonly name: string;
  readonly state: StepState;
  readonly queuedAt: Moment;
  readonly startedAt?: Moment;
  readonly endedAt?: Moment;
  /** Why it ran, or why it failed. */
  readonly note?: string;
  /** The last lines it wrote; the whole log is on disk. */
  readonly tail: readonly string[];
  readonly transfer?: { readonly done: number; readonly total?: number };
}

/** A build as a face shows it: rows in the order they were queued. */
export interface BuildView {
  readonly state: 'waiting' | 'running' | 'done' | 'failed';
  readonly at: Moment;
  readonly targets: readonly string[];
  readonly steps: ReadonlyMap<Digest, StepRow>;
  readonly warnings: readonly string[];
}

/** Lines of output a row keeps. */
const tailLines = 40;

/** The view before anything has happened. */
export const emptyView: BuildView = { state: 'waiting', at: 0, targets: [], steps: new Map(), warnings: [] };

/** The view after one more event; the view before is not changed. */
export function foldEvent(view: BuildView, event: BuildEvent): BuildView {
  const now = { ...view, at: Math.max(view.at, event.at) };
  if ('step' in event && event.type !== 'step.queued') return withRow(now, event);
  switch (event.type) {
    case 'build.started':
      return { ...now, state: 'running', targets: event.targets };
    case 'build.finished':
      return { ...now, state: event.ok ? 'done' : 'failed' };
    case 'warning':
      return { ...now, warnings: [...view.warnings, event.message] };
    case 'step.queued': {
      const row: StepRow = { step: event.step, name: event.name, state: 'queued', queuedAt: event.at, tail: [] };
      return { ...now, steps: new Map(view.steps).set(event.step, row) };
    }
    default:
      return never(event);
  }
}

type RowEvent = Exclude<BuildEvent, { type: `build.${string}` | 'warning' | 'step.queued' }>;

/** An event about a step nobody queued is passed over: a face that joins late misses rows, not its life. */
function withRow(view: BuildView, event: RowEvent): BuildView {
  const row = view.steps.get(event.step);
  if (row === undefined) return view;
  return { ...view, steps: new Map(view.steps).set(event.step, nextRow(row, event)) };
}

function nextRow(row: StepRow, event: RowEvent): StepRow {
  switch (event.type) {
    case 'step.started':
      return { ...row, state: 'running', startedAt: event.at, note: event.detail };
    case 'step.cached':
      return { ...row, state: 'cached', endedAt: event.at };
    case 'step.finished':
      return { ...row, state: 'done', endedAt: event.at };
    case 'step.failed':
      return { ...row, state: 'failed', endedAt: event.at, note: `${event.code}: ${event.message}` };
    case 'step.cancelled':
      return { ...row, state: 'cancelled', endedAt: event.at };
    case 'output':
      return { ...row, tail: lastLines(row.tail, event.text) };
    case 'transfer':
      return { ...row, transfer: { done: event.done, ...(event.total !== undefined && { total: event.total }) } };
    default:
      return never(event);
  }
}

/** Output comes in pieces that end anywhere: the last line stays open until its end has come. */
function lastLines(tail: readonly string[], text: string): readonly string[] {
  const lines = ((tail.at(-1) ?? '') + text).split('\n');
  return [...tail.slice(0, -1), ...lines].slice(-tailLines - 1);
}
