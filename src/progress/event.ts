import type { Digest } from '../base/digest.ts';

/** A moment in milliseconds since the build began; whoever emits reads the clock. */
export type Moment = number;

/** Why a step ran, in one line. */
type Reason = 'new' | 'input' | 'option' | 'tool' | 'environment' | 'upstream' | 'evicted' | 'forced';

/** Everything that happens in a build; terminal, JSON and web are faces of this one stream. */
export type BuildEvent =
  | { readonly type: 'build.started'; readonly at: Moment; readonly targets: readonly string[] }
  | { readonly type: 'build.finished'; readonly at: Moment; readonly ok: boolean }
  | { readonly type: 'step.queued'; readonly at: Moment; readonly step: Digest; readonly name: string }
  | {
      readonly type: 'step.started';
      readonly at: Moment;
      readonly step: Digest;
      readonly reason: Reason;
      readonly detail: string;
    }
  | { readonly type: 'step.cached'; readonly at: Moment; readonly step: Digest }
  | { readonly type: 'step.finished'; readonly at: Moment; readonly step: Digest }
  | { readonly type: 'step.failed'; readonly at: Moment; readonly step: Digest; readonly code: string; readonly message: string }
  | { readonly type: 'step.cancelled'; readonly at: Moment; readonly step: Digest }
  | {
      readonly type: 'output';
      readonly at: Moment;
      readonly step: Digest;
      readonly stream: 'stdout' | 'stderr';
      readonly text: string;
    }
  | { readonly type: 'transfer'; readonly at: Moment; readonly step: Digest; readonly done: number; readonly total?: number }
  | { readonly type: 'warning'; readonly at: Moment; readonly message: string };
