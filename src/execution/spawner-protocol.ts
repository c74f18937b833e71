/** What the helper process and its parent say to each other: JSON over the channel of `child_process.fork`. */

/** What a command finds at a descriptor from 3 on. */
export type Descriptor =
  /** Bytes to read, in base64; they are in memory and pipes only. */
  | { readonly feed: string }
  /** A file to read. */
  | { readonly file: string }
  /** A pipe to write to: what comes out of it is the `report` of the end. */
  | 'report';

/** A program to run; nothing of the parent's environment, directory or descriptors reaches it. */
export interface SpawnRequest {
  readonly argv: readonly [string, ...string[]];
  readonly descriptors?: readonly Descriptor[];
  /** Whom it runs as; needs root. */
  readonly user?: { readonly uid: number; readonly gid: number };
  /** `cgroup.procs` files of the control groups it is put into, before it is fed anything. */
  readonly controlGroups?: readonly string[];
  readonly timeoutMs?: number;
}

/** How a program ended. */
export interface SpawnEnd {
  readonly status: number | null;
  readonly signal: string | null;
  readonly timedOut: boolean;
  readonly report: string;
}

/** Two named pipes: what a command writes goes through them straight to the parent. */
export interface PipePair {
  readonly stdout: string;
  readonly stderr: string;
}

/** To the helper. */
export type ToHelper =
  | { readonly type: 'pipes'; readonly id: number; readonly pipes: PipePair }
  | { readonly type: 'run'; readonly id: number; readonly pipes: number; readonly request: SpawnRequest }
  | { readonly type: 'kill'; readonly id: number };

/** From the helper; `id` is that of the question. */
export type FromHelper =
  | { readonly type: 'ready'; readonly id: number }
  | ({ readonly type: 'ended'; readonly id: number } & SpawnEnd)
  | { readonly type: 'failed'; readonly id: number; readonly code: string; readonly message: string };
