import type { Ref } from '../base/ref.ts';
import type { LocalSpec } from '../graph/source-ops.ts';
import type { Op } from '../solver/op.ts';
import { resolveInside } from './inside.ts';
import type { Bounds } from './inside.ts';

/** What is taken of a host path: a file as a blob, a directory as a tree of what the patterns leave. */
export interface LocalPath {
  readonly path: string;
  readonly include?: readonly string[];
  readonly exclude?: readonly string[];
}

/** What taking local files is lent by its builder. */
export interface LocalWorld extends Bounds {
  /** Takes a path into the store; a stat cache may make that cheap. */
  snapshot(taken: LocalPath, signal: AbortSignal): Promise<Ref>;
}

/** Files of the client. They are taken while the step is asked for its facts, so that their content is what the key holds. */
export function localOp({ path, include, exclude }: LocalSpec, world: LocalWorld): Op {
  let taken: Promise<Ref> | undefined;
  async function take(signal: AbortSignal): Promise<Ref> {
    const patterns = { ...(include === undefined ? {} : { include }), ...(exclude === undefined ? {} : { exclude }) };
    return world.snapshot({ path: await resolveInside(path, world), ...patterns }, signal);
  }
  return {
    code: 'local/1',
    pool: 'io',
    async facts({ signal }) {
      taken ??= take(signal);
      const ref = await taken;
      return { facts: { [ref.kind]: ref.digest }, outputs: [ref] };
    },
    async run(_, { signal }) {
      taken ??= take(signal);
      return { ok: true, outputs: [await taken] };
    },
  };
}
