import { never } from '../base/exhaustive.ts';
import type { BuildEvent, Moment, Reason } from './event.ts';

/** Where a step stands. */
export type StepState = 'queued' | 'running' | 'cached' | 'done' | 'failed' | 'cancelled';

/** One step as a face shows it. */
export interface StepRow {
  readonly step: string;
  state: StepState;
  startedAt?: Moment;
  endedAt?: Moment;
  /** Why it ran. */
  reasons: readonly Reason[];
  /** Why it failed. */
  failure?: {
    readonly code: string;
    readonly message: string;
    readonly hint?: string;
    readonly location?: string;
    readonly log?: string;
  };
  /** The last lines it wrote; the whole log is on disk. */
  tail: string[];
  transfer?: { readonly done: number; readonly total?: number };
}

/** A build as a face shows it: rows in the order in which something was first heard of them. */
export interface BuildView {
  state: 'waiting' | 'running' | 'done' | 'failed';
  build: string;
  at: Moment;
  targets: readonly string[];
  /** All steps that the targets may need; most of a warm build are never asked for and have no row. */
  total: number;
  readonly steps: Map<string, StepRow>;
  readonly warnings: string[];
}

/** Lines of output a row keeps. */
const tailLines = 40;

/** A view before anything has happened. */
export function emptyView(): BuildView {
  return { state: 'waiting', build: '', at: 0, targets: [], total: 0, steps: new Map(), warnings: [] };
}

/** Takes one more event into the view, in constant time: a build may have 100,000 steps. */
export function foldEvent(view: BuildView, event: BuildEvent): void {
  view.at = Math.max(view.at, event.at);
  if ('step' in event) {
    foldStep(rowOf(view, event.step), event);
    return;
  }
  switch (event.type) {
    case 'build.started':
      view.state = 'running';
      view.build = event.build;
      view.targets = event.targets;
      view.total = event.steps;
      return;
    case 'build.finished':
      view.state = event.ok ? 'done' : 'failed';
      return;
    case 'warning':
      view.warnings.push(event.message);
      return;
    default:
      never(event);
  }
}

/** A face that joins late hears of steps that it has not seen queued. */
function rowOf(view: BuildView, step: string): StepRow {
  let row = view.steps.get(step);
  if (row === undefined) view.steps.set(step, (row = { step, state: 'queued', reasons: [], tail: [] }));
  return row;
}

type StepEvent = Extract<BuildEvent, { step: string }>;

function foldStep(row: StepRow, event: StepEvent): void {
  switch (event.type) {
    case 'step.queued':
      row.state = 'queued';
      return;
    case 'step.started':
      row.state = 'running';
      row.startedAt = event.at;
      row.reasons = event.reasons;
      return;
    case 'step.cached':
      end(row, event.at, 'cached');
      return;
    case 'step.finished':
      end(row, event.at, 'done');
      return;
    case 'step.failed':
      end(row, event.at, 'failed');
      row.failure = event;
      return;
    case 'step.cancelled':
      end(row, event.at, 'cancelled');
      return;
    case 'output':
      row.tail = lastLines(row.tail, event.text);
      return;
    case 'transfer':
      row.transfer = event;
      return;
    default:
      never(event);
  }
}

function end(row: StepRow, at: Moment, state: StepState): void {
  row.state = state;
  row.endedAt = at;
}

/** Output comes in pieces that end anywhere: the last line stays open until its end has come. */
function lastLines(tail: readonly string[], text: string): string[] {
  const lines = ((tail.at(-1) ?? '') + text).split('\n');
  return [...tail.slice(0, -1), ...lines].slice(-tailLines - 1);
}
