/** A moment in milliseconds since the build began; whoever emits reads the clock. */
export type Moment = number;

/** The kinds of reasons for which a step runs. */
type ReasonKind = 'new' | 'input' | 'option' | 'tool' | 'environment' | 'upstream' | 'portkit' | 'evicted' | 'forced';

/** Why a step runs; `name` is the input, option, tool or variable that differs, with its value or digest before and after. */
export interface Reason {
  readonly kind: ReasonKind;
  readonly name?: string;
  readonly before?: string;
  readonly after?: string;
  /** For inputs: what the digests name; and of trees that are both still here, the first paths that differ. */
  readonly of?: 'blob' | 'tree';
  readonly paths?: readonly string[];
}

/** What happened, without the moment; steps go by their names, which are unique in a build. */
export type Happening =
  | { readonly type: 'build.started'; readonly build: string; readonly targets: readonly string[]; readonly steps: number }
  | { readonly type: 'build.finished'; readonly ok: boolean }
  | { readonly type: 'step.queued'; readonly step: string }
  | { readonly type: 'step.started'; readonly step: string; readonly reasons: readonly Reason[] }
  /** Its result was known: from its own record, from one with the same inputs, or because its content is pinned. */
  | { readonly type: 'step.cached'; readonly step: string; readonly by: 'definition' | 'content' | 'known' }
  | { readonly type: 'step.finished'; readonly step: string }
  | {
      readonly type: 'step.failed';
      readonly step: string;
      readonly code: string;
      readonly message: string;
      readonly hint?: string;
      /** Where its definition stands, and where all that it wrote is. */
      readonly location?: string;
      readonly log?: string;
    }
  | { readonly type: 'step.cancelled'; readonly step: string }
  | { readonly type: 'output'; readonly step: string; readonly stream: 'stdout' | 'stderr'; readonly text: string }
  | { readonly type: 'transfer'; readonly step: string; readonly done: number; readonly total?: number }
  /** It waits (milliseconds) before it asks these servers again; its output says so, too. */
  | { readonly type: 'retry'; readonly step: string; readonly servers: readonly string[]; readonly ms: number }
  | { readonly type: 'warning'; readonly message: string };

/** Everything that happens in a build; terminal, JSON and web are faces of this one stream. */
export type BuildEvent = Happening & { readonly at: Moment };
