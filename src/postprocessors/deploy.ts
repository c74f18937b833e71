import { PortkitError } from '../base/errors.ts';
import type { DeploySpec } from '../graph/program-ops.ts';
import type { ExecWorld } from '../ops/exec.ts';
import { execOp } from '../ops/exec.ts';
import { asOutcome } from '../ops/outcome.ts';
import type { Op } from '../solver/op.ts';

/** What a deployment is lent. */
export interface DeployWorld {
  readonly exec: () => ExecWorld;
  /** What is different in every build, so that no result of a deployment is ever found again; without it, none is done. */
  readonly build?: string;
}

/** A command over a layout in the sandbox, run anew in every build that names it; what it leaves in `/out` is its result. */
export function deployOp(spec: DeploySpec, { exec, build }: DeployWorld): Op {
  const op = execOp({ ...spec, type: 'exec' }, exec());
  return {
    ...op,
    code: 'deploy/1',
    facts: async (context) => ({ facts: { ...(await op.facts(context)).facts, build: build ?? 'none' } }),
    run: (inputs, context) =>
      asOutcome(() => {
        if (build !== undefined) return op.run(inputs, context);
        throw new PortkitError('PK4106', 'A deployment is not built like other steps', {
          hint: 'Name it as a target of "portkit build"',
        });
      }),
  };
}
