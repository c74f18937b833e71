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
  /** The last lines it wrote, the open one at the end; none of a step that went well: the whole log is on disk. */
  readonly tail: string[];
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
  /** How many of the rows are in each state, and those that run, the first started first. */
  readonly counts: Record<StepState, number>;
  readonly running: Set<StepRow>;
  readonly warnings: string[];
}

/** Lines of output a row keeps. */
export const tailLines = 40;
/** Characters of one line that are kept; a program may write gigabytes without an end of line. */
const lineLength = 4096;

/** A view before anything has happened. */
export function emptyView(): BuildView {
  return {
    state: 'waiting',
    build: '',
    at: 0,
    targets: [],
    total: 0,
    steps: new Map(),
    counts: { queued: 0, running: 0, cached: 0, done: 0, failed: 0, cancelled: 0 },
    running: new Set(),
    warnings: [],
  };
}

/** Takes one more event into the view, in constant time: a build may have 100,000 steps. */
export function foldEvent(view: BuildView, event: BuildEvent): void {
  view.at = Math.max(view.at, event.at);
  if ('step' in event) {
    foldStep(view, rowOf(view, event.step), event);
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
  if (row === undefined) {
    row = { step, state: 'queued', reasons: [], tail: [] };
    view.steps.set(step, row);
    view.counts.queued += 1;
  }
  return row;
}

type StepEvent = Extract<BuildEvent, { step: string }>;

function foldStep(view: BuildView, row: StepRow, event: StepEvent): void {
  switch (event.type) {
    case 'step.queued':
      change(view, row, 'queued');
      return;
    case 'step.started':
      change(view, row, 'running');
      row.startedAt = event.at;
      row.reasons = event.reasons;
      return;
    case 'step.cached':
      change(view, row, 'cached');
      return;
    case 'step.finished':
      change(view, row, 'done');
      return;
    case 'step.failed':
      change(view, row, 'failed');
      row.failure = event;
      return;
    case 'step.cancelled':
      change(view, row, 'cancelled');
      return;
    case 'output':
      addOutput(row.tail, event.text);
      return;
    case 'transfer':
      row.transfer = event;
      return;
    case 'retry':
      return;
    default:
      never(event);
  }
}

function change(view: BuildView, row: StepRow, state: StepState): void {
  view.counts[row.state] -= 1;
  view.counts[state] += 1;
  row.state = state;
  if (state === 'running') view.running.add(row);
  else view.running.delete(row);
  if (state === 'queued' || state === 'running') return;
  row.endedAt = view.at;
  if (state === 'done' || state === 'cached') row.tail.length = 0;
}

/** Output comes in pieces that end anywhere: the last line stays open until its end has come. */
function addOutput(tail: string[], text: string): void {
  const lines = text.split('\n');
  lines[0] = (tail.pop() ?? '') + (lines[0] ?? '');
  for (const line of lines.slice(-tailLines - 1)) tail.push(bounded(line));
  if (tail.length > tailLines + 1) tail.splice(0, tail.length - tailLines - 1);
}

/** A line of bearable length: what is still to be seen of one that is drawn over and over, else its beginning. */
function bounded(line: string): string {
  if (line.length <= lineLength) return line;
  const redrawn = line.lastIndexOf('\r', line.length - 2);
  return line.slice(redrawn + 1, redrawn + 1 + lineLength);
}
