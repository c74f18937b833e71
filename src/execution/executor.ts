import type { Digest } from '../base/digest.ts';
import type { Ref } from '../base/ref.ts';

/** A command and the whole world it is to see. */
export interface Command {
  readonly argv: readonly string[];
  /** Mounted read-only at `/in/<name>`: a tree as a folder, a blob as a file (mode 0444). */
  readonly inputs: readonly { readonly name: string; readonly ref: Ref }[];
  /** The host's /usr, or a tree that is the whole root file system. */
  readonly root: 'host' | Digest;
  readonly env: Readonly<Record<string, string>>;
  readonly cwd: string;
  readonly network: boolean;
  readonly caches: readonly { readonly name: string; readonly to: string; readonly share: 'shared' | 'locked' }[];
  readonly secrets: readonly { readonly name: string; readonly value: Uint8Array; readonly to?: string; readonly env?: string }[];
  readonly timeoutMs?: number;
  readonly memoryBytes?: number;
  readonly processes?: number;
}

/** How a command ended; `out` is the tree of what it left in `/out` and is there only after exit status 0. */
export type Ended =
  | { readonly how: 'exited'; readonly status: number; readonly out?: Digest }
  | { readonly how: 'signalled'; readonly signal: string }
  | { readonly how: 'out-of-time' }
  | { readonly how: 'out-of-memory' };

/** Runs commands: on this machine in a sandbox, or elsewhere. */
export interface Executor {
  run(
    command: Command,
    context: { readonly signal: AbortSignal; output(stream: 'stdout' | 'stderr', bytes: Uint8Array): void },
  ): Promise<Ended>;
}
