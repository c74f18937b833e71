import { appendFileSync, readFileSync } from 'node:fs';
import { systemCode } from '../base/errors.ts';
import type { Digest } from '../base/digest.ts';
import type { Ref } from '../base/ref.ts';
import type { Reason } from '../progress/event.ts';

/** One step that ran in a build that was; `key` leads to the record of what it rested on. */
export interface PastStep {
  readonly step: string;
  readonly ok: boolean;
  readonly reasons: readonly Reason[];
  readonly took: number;
  readonly key?: Digest;
  readonly log?: string;
}

/** A build that was. */
export interface PastBuild {
  readonly v: 1;
  readonly build: string;
  readonly project: string;
  /** Milliseconds since 1970, and how long it took. */
  readonly at: number;
  readonly took: number;
  readonly ok: boolean;
  readonly targets: Readonly<Record<string, Ref>>;
  /** Steps that the targets may need. */
  readonly steps: number;
  readonly ran: readonly PastStep[];
}

/** Builds in the order in which they ended. */
export interface History {
  add(build: PastBuild): void;
  /** The builds of a project, the last first. */
  of(project: string): readonly PastBuild[];
}

/**
 * A file with one line for each build, appended in one write and not synced: losing the last line in a power cut loses a
 * story, no result. Lines that are damaged are passed over.
 */
export function createHistory(file: string): History {
  return {
    add: (build) => appendFileSync(file, `${JSON.stringify(build)}\n`, { mode: 0o600 }),
    of: (project) =>
      linesOf(file)
        .flatMap((line) => parseLine(line) ?? [])
        .filter((build) => build.project === project)
        .toReversed(),
  };
}

function linesOf(file: string): readonly string[] {
  try {
    return readFileSync(file, 'utf8').split('\n');
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return [];
    throw error;
  }
}

function parseLine(line: string): PastBuild | undefined {
  try {
    const value: unknown = JSON.parse(line);
    const isBuild = typeof value === 'object' && value !== null && 'v' in value && value.v === 1 && 'ran' in value;
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- version 1 is what `add` writes
    return isBuild ? (value as PastBuild) : undefined;
  } catch {
    return undefined;
  }
}
